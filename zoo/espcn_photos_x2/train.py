"""ESPCN that enlarges photographs 2 times.

    python zoo/espcn_photos_x2/train.py --seed 0    # then 1 and 2, then --publish

Network: three convolutions at the low resolution, 64, 64 and 32 channels with ReLU, and a sub-pixel
convolution whose result is added to the bicubic enlargement (the paper: two, 64 and 32, tanh, luma
alone, nothing added).
Data: eight photographs of scikit-image, as they are and reduced to 3/4 and 1/2, in pairs made by
Pillow's antialiased bicubic reduction; rocket chooses among seeds; astronaut and chelsea are never
trained on. All are in the public domain or CC0.
Training: mean absolute error, Adam, 3,000 steps of 8 crops of 32x32; 5 to
15 minutes a seed on one core of a busy machine.
Scores: PSNR of luma (BT.601) and of RGB, a border of 2 pixels left out, both enlargements rounded
to bytes. Expected: 2.4 dB over bicubic on astronaut and 1.1 dB on chelsea, seeds within 0.1 dB.
"""

from keras_upsample.training import Enlargement
from keras_upsample.training._recipe import run

RECIPE = Enlargement(
    preset="espcn:photos_x2",
    train=("coffee", "retina", "hubble", "brick", "grass", "gravel", "camera", "coins"),
    validation=("rocket",),
    test=("astronaut", "chelsea"),
    steps=3000,
    score="astronaut gain_y",
    bar=1.5,
    batch_size=8,
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
