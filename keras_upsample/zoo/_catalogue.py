"""What models there are, in words: read by the command line and by the cards, imports nothing."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    """One model: the name of its builder in `keras_upsample.zoo`, one line on it, its paper."""

    name: str
    summary: str
    paper: str


_FCN = (
    "Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic Segmentation, "
    "CVPR 2015, https://arxiv.org/abs/1411.4038"
)

CATALOGUE = (
    Entry(
        "unet",
        "Encoder and decoder joined at every resolution; any upsampler, four encoders",
        "Ronneberger, Fischer and Brox, U-Net: Convolutional Networks for Biomedical Image "
        "Segmentation, MICCAI 2015, https://arxiv.org/abs/1505.04597",
    ),
    Entry("fcn32s", "VGG16 made convolutional, its scores upsampled 32 times in one step", _FCN),
    Entry("fcn16s", "FCN-32s with the scores of pool4 added at stride 16", _FCN),
    Entry("fcn8s", "FCN-16s with the scores of pool3 added at stride 8", _FCN),
    Entry(
        "espcn",
        "Super-resolution by sub-pixel convolution: every pixel of a block from one convolution",
        "Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel "
        "Convolutional Neural Network, CVPR 2016, https://arxiv.org/abs/1609.05158",
    ),
)
