"""The few places where backends differ, so that the techniques can be written once."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from ._arguments import check_rank
from ._channel_order import from_channels_last as from_channels_last
from ._channel_order import to_channels_last as to_channels_last

Size = Any  # an int where it is known, else a scalar tensor

HALF_TYPES = ("float16", "bfloat16")
FLOAT_TYPES = (*HALF_TYPES, "float32", "float64")


def computing_type(x: Any) -> str:
    """Return the dtype in which `x` is computed: half precision in float32, rounded once."""
    dtype = keras.backend.standardize_dtype(x.dtype)
    return "float32" if dtype in HALF_TYPES else dtype


def is_half(x: Any) -> bool:
    """Say whether `x` is of half precision."""
    return keras.backend.standardize_dtype(x.dtype) in HALF_TYPES


def mean(x: Any, axes: tuple[int, ...]) -> Any:
    """Return the mean over some axes, which stay with length 1."""
    if on_tensorflow() or keras.backend.standardize_dtype(x.dtype) != "float64":
        return ops.mean(x, axis=axes, keepdims=True)
    # keras.ops.mean computes float64 in float32 on JAX and PyTorch.
    return ops.sum(x, axis=axes, keepdims=True) / math.prod(int(x.shape[axis]) for axis in axes)


def at_least(x: Any, bound: float) -> Any:
    """Return max(x, bound)."""
    if on_tensorflow() or keras.backend.standardize_dtype(x.dtype) != "float64":
        return ops.maximum(x, bound)
    return ops.clip(x, bound, math.inf)  # keras.ops.maximum turns float64 to float32 on PyTorch


def on_tensorflow() -> bool:
    """Say whether Keras runs on TensorFlow."""
    return keras.backend.backend() == "tensorflow"


def image_tensor(x: Any, *, floating: bool = False, name: str = "x", rank: int = 2) -> Any:
    """Return `x` as a tensor of rank 4, of floats if `floating`; errors call it `name`.

    `rank`: 1 for lines (N, L, C), 3 for volumes (N, D, H, W, C).
    """
    if isinstance(x, keras.KerasTensor):
        raise TypeError(
            f"`{name}` must be a tensor with values. Received a symbolic KerasTensor. In a "
            "functional model use the layer of the same name from `keras_upsample.layers`."
        )
    x = ops.convert_to_tensor(x)
    check_rank(x.shape, name, rank)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if floating and dtype not in FLOAT_TYPES:
        raise TypeError(
            f"`{name}` must hold floats, one of {', '.join(FLOAT_TYPES)}. Received: {dtype}. "
            f"Cast it first, e.g. `keras.ops.cast({name}, 'float32')`."
        )
    return x


def length(x: Any, axis: int) -> Size:
    """Return the size of one axis: an int if known, and only else a scalar of the graph.

    `keras.ops.shape` leaves a Shape operator in a TensorFlow graph even if all sizes are known,
    which causes problems in converters and delegates.
    """
    known = x.shape[axis]
    return ops.shape(x)[axis] if known is None else int(known)


def sizes(x: Any) -> tuple[Size, ...]:
    """Return the size of every axis, as `length` does."""
    known = tuple(x.shape)
    if None not in known:
        return tuple(int(size) for size in known)
    dynamic = ops.shape(x)
    return tuple(d if k is None else k for k, d in zip(known, dynamic, strict=True))


def reshape(x: Any, shape: tuple[Size, ...]) -> Any:
    """Reshape; with a single unknown size the shape stays a constant of the graph."""
    unknown = [i for i, size in enumerate(shape) if not isinstance(size, int)]  # None or a scalar
    # Not `-1 in shape`, which would ask a tensor of the graph whether it is -1.
    if len(unknown) == 1 and -1 not in [size for size in shape if isinstance(size, int)]:
        shape = tuple(-1 if i == unknown[0] else size for i, size in enumerate(shape))
    return ops.reshape(x, shape)


def gather(x: Any, indices: Any, axis: int) -> Any:
    """Take `indices` (all >= 0) along `axis`."""
    if on_tensorflow():
        # keras.ops.take adds a Less and a Select for negative indices, which there are none of.
        from ._tensorflow import gather as tf_gather

        return tf_gather(x, indices, axis)
    return ops.take(x, np.asarray(indices, "int32"), axis=axis)


def part(x: Any, axis: int, begin: int | None, end: int | None) -> Any:
    """Return x[begin:end] along one axis; both may be counted from the end, as Python does."""
    if on_tensorflow() and None not in tuple(x.shape):
        # TFLite has an operator for this, which all delegates have, and a general one for steps.
        from ._tensorflow import part as tf_part

        return tf_part(x, axis, range(int(x.shape[axis]))[begin:end])
    return x[(slice(None),) * axis + (slice(begin, end),)]


def add_bias(x: Any, bias: Any, data_format: str) -> Any:
    """Add a vector (C,) to images."""
    if data_format == "channels_last" and on_tensorflow():
        # BiasAdd, because converters fuse it with the convolution in front where they miss AddV2.
        from ._tensorflow import bias_add

        return bias_add(x, bias)
    if data_format == "channels_first":
        bias = ops.reshape(bias, (-1, *(1,) * (len(x.shape) - 2)))
    # Not keras.ops.add: on TensorFlow it adds (C, 1, 1) to the last axis where that is C long too.
    return x + ops.convert_to_tensor(bias, dtype=x.dtype)
