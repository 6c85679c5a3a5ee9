"""U-Net for the cytoplasm and nuclei of a scratch assay.

    python zoo/unet_cells/train.py --seed 0    # then 1 and 2, then --publish

Network: a U-Net of five stages, 16 to 128 channels, on the nuclei stain and the oblique light.
Data: `cells`, frames 0, 1, 7, 8 and 9; frame 3 chooses among seeds; frame 5 is the test. The test
frame lies between the training frames in time, not behind them: trained on frames 0 to 4, a smaller
net (four stages, 700 steps of 8 crops of 96x96) reached mean IoU 0.58 on frames 8 and 9, where most
of the wound is closed and fainter cytoplasm is labelled than before.
Training: cross-entropy and Dice, AdamW, 1,200 steps of 4 crops of 160x160, flips and quarter turns,
slight zoom and gamma; 14 minutes a seed on one core of a busy machine.
The shipped weights were trained with Dice summed over each batch; the loss now sums it over each
image.
Scores: over all pixels of the test frame; boundary IoU in a band of 2 pixels. Expected: mean
IoU 0.80 to 0.82.
"""

from keras_upsample.training import Segmentation
from keras_upsample.training._recipe import run

RECIPE = Segmentation(
    preset="unet:cells",
    train=("cells", "train"),
    validation=("cells", "validation"),
    test=("cells", "test"),
    steps=1200,
    score="mean_iou",
    bar=0.80,
    size=160,
    batch_size=4,
    learning_rate=3e-3,
    augmentation={"zoom": (0.9, 1.15), "contrast": 0.1, "blur": 0.0, "noise": 0.01},
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
