from ._adaptive_pool import adaptive_average_pool
from ._area import resize_area
from ._blur import checkerboard_blur
from ._forms import resize_forms
from ._joint_bilateral import joint_bilateral
from ._lanczos import resize_lanczos
from ._lengths import resize1d, resize3d
from ._max_pool import max_pool_with_indices, max_unpool
from ._point_sample import point_sample
from ._pool_indices import flat_indices, window_indices
from ._reassemble import reassemble
from ._resize import resize_bicubic, resize_bilinear, resize_nearest
from ._resize_like import resize_like
from ._shuffle import pixel_shuffle, pixel_unshuffle
from ._similarity import window_similarity
from ._transposed_conv import transposed_conv1d, transposed_conv2d, transposed_conv3d
from ._window_attention import window_attention

__all__ = [
    "adaptive_average_pool",
    "checkerboard_blur",
    "flat_indices",
    "joint_bilateral",
    "max_pool_with_indices",
    "max_unpool",
    "pixel_shuffle",
    "pixel_unshuffle",
    "point_sample",
    "reassemble",
    "resize1d",
    "resize3d",
    "resize_area",
    "resize_bicubic",
    "resize_bilinear",
    "resize_forms",
    "resize_lanczos",
    "resize_like",
    "resize_nearest",
    "transposed_conv1d",
    "transposed_conv2d",
    "transposed_conv3d",
    "window_attention",
    "window_indices",
    "window_similarity",
]
