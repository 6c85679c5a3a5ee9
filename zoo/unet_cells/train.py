"""U-Net for the cytoplasm and nuclei of a scratch assay."""

from keras_upsample.training import Segmentation
from keras_upsample.training._recipe import run

RECIPE = Segmentation(
    preset="unet:cells",
    train=("cells", "train"),
    validation=("cells", "validation"),
    test=("cells", "test"),
    steps=700,
    score="mean_iou",
    bar=0.80,
    size=96,
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
