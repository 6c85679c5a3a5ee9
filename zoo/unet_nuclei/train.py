"""U-Net for fluorescent nuclei."""

from keras_upsample.training import Segmentation
from keras_upsample.training._recipe import run

RECIPE = Segmentation(
    preset="unet:nuclei",
    train=("nuclei", "train"),
    validation=("nuclei", "validation"),
    test=("nuclei_stardist", "test"),
    steps=1200,
    score="iou nucleus",
    bar=0.85,
    size=96,
    augmentation={
        "zoom": (0.5, 1.5),
        "gamma": (0.4, 2.0),
        "contrast": 0.5,
        "blur": 0.5,
        "noise": 0.05,
    },
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
