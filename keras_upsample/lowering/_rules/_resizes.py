"""Whether resizes enlarge, and dense layers as the 1x1 convolutions that they are."""

import math

import numpy as np

from ...program._graph import Tensor
from ...program._operations import Convolution, Dense, Resize


def pixels(tensor: Tensor) -> int | None:
    """Of a map; None where its size is open."""
    sizes = [size for size in tensor.shape[1:3] if size is not None]
    return math.prod(sizes) if len(sizes) == 2 else None


def grows(resize: Resize, after: Tensor) -> bool:
    """Whether the result surely has no fewer pixels."""
    small, large = pixels(resize.x), pixels(after)
    if small is None or large is None:
        return resize.scale is not None
    return small <= large


def shrinks(resize: Resize, after: Tensor) -> bool:
    """Whether the result surely has fewer pixels."""
    large, small = pixels(resize.x), pixels(after)
    return large is not None and small is not None and small < large


def as_convolution(linear: Convolution | Dense) -> Convolution | None:
    """A dense layer of a map is a 1x1 convolution; None where it reads no map."""
    if isinstance(linear, Convolution):
        return linear
    if len(linear.x.shape) != 4:
        return None
    kernel = np.asarray(linear.kernel)[None, None]
    return Convolution(linear.x, kernel, linear.bias, linear.activation)
