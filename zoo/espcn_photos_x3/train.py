"""ESPCN that enlarges photographs 3 times.

Data: photographs of scikit-image other than the test ones (all CC0 or public domain).
"""

from keras_upsample.training import Enlargement
from keras_upsample.training._recipe import run

RECIPE = Enlargement(
    preset="espcn:photos_x3",
    train=("coffee", "retina", "hubble", "brick", "grass", "gravel", "camera", "coins"),
    validation=("rocket",),
    test=("astronaut", "chelsea"),
    steps=3000,
    score="astronaut gain_y",
    bar=1.0,
    batch_size=8,
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
