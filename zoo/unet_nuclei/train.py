"""U-Net for fluorescent nuclei."""

from keras_upsample.training import Segmentation
from keras_upsample.training._recipe import run

RECIPE = Segmentation(
    preset="unet:nuclei",
    train=("nuclei", "train"),
    validation=("nuclei", "validation"),
    test=("nuclei_stardist", "test"),
    steps=1000,
    score="iou nucleus",
    bar=0.85,
    size=96,
    augmentation={
        "zoom": (0.6, 1.6),
        "gamma": (0.6, 1.6),
        "blur": 0.0,
        "noise": 0.03,
    },
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
