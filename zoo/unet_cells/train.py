"""U-Net for the cytoplasm and nuclei of a scratch assay."""

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
