from ._adaptive_average_pooling import AdaptiveAveragePooling2D
from ._anyup import AnyUp2D
from ._area import AreaResize2D
from ._bicubic import BicubicUpSampling2D
from ._bilinear import BilinearUpSampling2D
from ._carafe import CARAFE2D
from ._crop_like import CropLike2D
from ._dysample import DySample2D
from ._fade import FADE2D
from ._freq_fusion import FreqFusion2D
from ._joint_bilateral import JointBilateralUpSampling2D
from ._lanczos import LanczosUpSampling2D
from ._linear_1d import LinearUpSampling1D
from ._max_pooling_with_indices import MaxPoolingWithIndices2D
from ._max_unpooling import MaxUnpooling2D
from ._nearest import NearestUpSampling2D
from ._nearest_1d import NearestUpSampling1D
from ._nearest_3d import NearestUpSampling3D
from ._pad_to_multiple import PadToMultiple2D
from ._pixel_shuffle import PixelShuffle2D
from ._pixel_unshuffle import PixelUnshuffle2D
from ._reshape_like import ReshapeLike2D
from ._resize_like import ResizeLike2D
from ._sapa import SAPA2D
from ._skip_fusion import SkipFusion2D
from ._subpixel_conv import SubpixelConv2D
from ._transposed_conv import TransposedConv2D
from ._transposed_conv_1d import TransposedConv1D
from ._transposed_conv_3d import TransposedConv3D
from ._trilinear_3d import TrilinearUpSampling3D

__all__ = [
    "CARAFE2D",
    "FADE2D",
    "SAPA2D",
    "AdaptiveAveragePooling2D",
    "AnyUp2D",
    "AreaResize2D",
    "BicubicUpSampling2D",
    "BilinearUpSampling2D",
    "CropLike2D",
    "DySample2D",
    "FreqFusion2D",
    "JointBilateralUpSampling2D",
    "LanczosUpSampling2D",
    "LinearUpSampling1D",
    "MaxPoolingWithIndices2D",
    "MaxUnpooling2D",
    "NearestUpSampling1D",
    "NearestUpSampling2D",
    "NearestUpSampling3D",
    "PadToMultiple2D",
    "PixelShuffle2D",
    "PixelUnshuffle2D",
    "ReshapeLike2D",
    "ResizeLike2D",
    "SkipFusion2D",
    "SubpixelConv2D",
    "TransposedConv1D",
    "TransposedConv2D",
    "TransposedConv3D",
    "TrilinearUpSampling3D",
]
