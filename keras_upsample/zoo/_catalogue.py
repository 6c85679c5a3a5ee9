"""The models in words, for the command line and the cards; this module imports nothing."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    """One model: the name of its builder in `keras_upsample.zoo`, a summary line, its paper."""

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
        "Encoder and decoder joined at every resolution; any upsampler, any encoder; Attention "
        "U-Net by an argument",
        "Ronneberger, Fischer and Brox, U-Net: Convolutional Networks for Biomedical Image "
        "Segmentation, MICCAI 2015, https://arxiv.org/abs/1505.04597",
    ),
    Entry("fcn32s", "VGG16 made convolutional, its scores upsampled 32 times in one step", _FCN),
    Entry("fcn16s", "FCN-32s with the scores of pool4 added at stride 16", _FCN),
    Entry("fcn8s", "FCN-16s with the scores of pool3 added at stride 8", _FCN),
    Entry(
        "unet_plus_plus",
        "U-Net whose skips are filled with nodes, each joined with all before it; can be cut to "
        "any depth",
        "Zhou, Siddiquee, Tajbakhsh and Liang, UNet++: A Nested U-Net Architecture for Medical "
        "Image Segmentation, DLMIA 2018, https://arxiv.org/abs/1807.10165",
    ),
    Entry(
        "linknet",
        "ResNet-18 and a light decoder that adds what enters each block of the encoder",
        "Chaurasia and Culurciello, LinkNet: Exploiting Encoder Representations for Efficient "
        "Semantic Segmentation, VCIP 2017, https://arxiv.org/abs/1707.03718",
    ),
    Entry(
        "segnet",
        "VGG16 and its mirror image, which unpools to where the encoder had its maxima",
        "Badrinarayanan, Kendall and Cipolla, SegNet: A Deep Convolutional Encoder-Decoder "
        "Architecture for Image Segmentation, PAMI 2017, https://arxiv.org/abs/1511.00561",
    ),
    Entry(
        "fpn",
        "A feature pyramid on ResNet-50 whose levels are brought to stride 4 and added up",
        "Kirillov, Girshick, He and Dollár, Panoptic Feature Pyramid Networks, CVPR 2019, "
        "https://arxiv.org/abs/1901.02446",
    ),
    Entry(
        "deeplab_v3_plus",
        "Atrous ResNet-50, convolutions of several rates side by side, one skip from stride 4",
        "Chen, Zhu, Papandreou, Schroff and Adam, Encoder-Decoder with Atrous Separable "
        "Convolution for Semantic Image Segmentation, ECCV 2018, https://arxiv.org/abs/1802.02611",
    ),
    Entry(
        "pspnet",
        "Features at stride 8 beside their means over 1, 2x2, 3x3 and 6x6 regions of the image",
        "Zhao, Shi, Qi, Wang and Jia, Pyramid Scene Parsing Network, CVPR 2017, "
        "https://arxiv.org/abs/1612.01105",
    ),
    Entry(
        "pan",
        "Attention over a pyramid of the coarsest features; skips weighed by coarser ones",
        "Li, Xiong, An and Wang, Pyramid Attention Network for Semantic Segmentation, BMVC 2018, "
        "https://arxiv.org/abs/1805.10180",
    ),
    Entry(
        "manet",
        "U-Net with attention between positions below and between channels at every skip",
        "Fan, Wang, Li and Wang, MA-Net: A Multi-Scale Attention Network for Liver and Tumor "
        "Segmentation, IEEE Access 8, 2020, https://doi.org/10.1109/ACCESS.2020.3025372",
    ),
    Entry(
        "upernet",
        "A feature pyramid whose coarsest level sees PSPNet's means; all levels joined",
        "Xiao, Liu, Zhou, Jiang and Sun, Unified Perceptual Parsing for Scene Understanding, "
        "ECCV 2018, https://arxiv.org/abs/1807.10221",
    ),
    Entry(
        "segformer",
        "Mix Transformer (MiT-B0 to B5), or any encoder, under a decoder of 1x1 convolutions",
        "Xie, Wang, Yu, Anandkumar, Alvarez and Luo, SegFormer: Simple and Efficient Design for "
        "Semantic Segmentation with Transformers, NeurIPS 2021, https://arxiv.org/abs/2105.15203",
    ),
    Entry(
        "dpt",
        "Vision transformer whose tokens become maps at four scales; fixed size",
        "Ranftl, Bochkovskiy and Koltun, Vision Transformers for Dense Prediction, ICCV 2021, "
        "https://arxiv.org/abs/2103.13413",
    ),
    Entry(
        "bisenet_v2",
        "Real time: a shallow branch for details and a deep one for meaning gate each other",
        "Yu, Gao, Wang, Yu, Shen and Sang, BiSeNet V2: Bilateral Network with Guided Aggregation "
        "for Real-Time Semantic Segmentation, IJCV 2021, https://arxiv.org/abs/2004.02147",
    ),
    Entry(
        "espcn",
        "Super-resolution by sub-pixel convolution: every pixel of a block from one convolution",
        "Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient "
        "Sub-Pixel Convolutional Neural Network, CVPR 2016, https://arxiv.org/abs/1609.05158",
    ),
)
