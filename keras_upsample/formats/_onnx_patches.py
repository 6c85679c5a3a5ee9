"""Image patches in ONNX, by a convolution with a one-hot kernel."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..program._patching import Patch
from ._patches import pads_of, patch_places, sliced_patches


@contextmanager
def replace_patches() -> Iterator[None]:
    """Inside, patches of images and volumes are traced so; those of integers as slices.

    tf2onnx's own form of images reads sizes wrongly where the batch is open, and it has none of
    volumes.
    """
    with _patch.entered():
        yield


def _patches(
    images: Any, ksizes: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: Any
) -> Any | None:
    """y[i, j, (a k_w + b) C + c] = x[i s + a r, j s + b r, c], zeros outside."""
    import tensorflow as tf

    x = tf.convert_to_tensor(images)
    if not x.dtype.is_floating:
        return sliced_patches(x, ksizes, strides, rates, padding)
    size, channels = [int(n) for n in ksizes[1:-1]], x.shape[-1]
    if channels is None:
        return None
    pads = [(0, 0)] * len(x.shape)
    for axis in range(1, len(pads) - 1):
        reach = (ksizes[axis] - 1) * rates[axis] + 1
        length = x.shape[axis]
        pads[axis] = pads_of(
            tf.shape(x)[axis] if length is None else length, reach, strides[axis], padding
        )
    kernel = np.eye(int(np.prod(size)) * channels).reshape(*size, channels, -1)
    kernel = tf.constant(kernel, x.dtype)  # (h, w, C, h·w·C)
    # `tf.nn.convolution` refuses strides beside dilations
    convolution = tf.nn.conv2d if len(size) == 2 else tf.nn.conv3d
    steps, rates = [int(n) for n in strides], [int(n) for n in rates]
    return convolution(tf.pad(x, pads), kernel, steps, "VALID", dilations=rates)


_patch: Patch = Patch(lambda: patch_places(_patch, _patches))
