from ._area import resize_area
from ._blur import checkerboard_blur
from ._forms import resize_forms
from ._joint_bilateral import joint_bilateral
from ._lanczos import resize_lanczos
from ._point_sample import point_sample
from ._reassemble import reassemble
from ._resize import resize_bicubic, resize_bilinear, resize_nearest
from ._shuffle import pixel_shuffle, pixel_unshuffle
from ._transposed_conv import transposed_conv2d

__all__ = [
    "checkerboard_blur",
    "joint_bilateral",
    "pixel_shuffle",
    "pixel_unshuffle",
    "point_sample",
    "reassemble",
    "resize_area",
    "resize_bicubic",
    "resize_bilinear",
    "resize_forms",
    "resize_lanczos",
    "resize_nearest",
    "transposed_conv2d",
]
