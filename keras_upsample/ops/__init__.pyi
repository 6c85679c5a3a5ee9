from ._forms import resize_forms
from ._resize import resize_bicubic, resize_bilinear, resize_nearest
from ._shuffle import pixel_shuffle, pixel_unshuffle
from ._transposed_conv import transposed_conv2d

__all__ = [
    "pixel_shuffle",
    "pixel_unshuffle",
    "resize_bicubic",
    "resize_bilinear",
    "resize_forms",
    "resize_nearest",
    "transposed_conv2d",
]
