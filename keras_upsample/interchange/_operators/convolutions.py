"""Convolutions of lines, images and volumes, dense layers and batch normalization."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...program._operations import Convolution, Dense
from .._context import Context, UnreadError
from .._layers import Slice
from .._value import Value
from ._windows import NO_PADS, around_windows, begin_end, may_be_same, pads_by_layer, spatial
from .parts import cropped, padded

DENSE = "keras_upsample.Dense"
"""Kind of the node that `_rules` puts for MatMul and Add."""


def conv(c: Context) -> Value:
    """Conv: kernel (M, C / groups, rows, columns), or as many axes as a line or a volume has."""
    x = spatial(c, c.value())
    kernel, bias = c.constant(1), c.constant(2)
    axes = x.rank - 2
    groups = c.attribute("group", 1)
    if kernel.ndim != x.rank or kernel.shape[1] * groups != x.shape[1]:
        raise UnreadError(
            f"a kernel {kernel.shape} in {groups} groups for an input {x.shape}, batch first"
        )
    if kernel.shape[0] % groups:
        raise UnreadError(f"{kernel.shape[0]} filters in {groups} groups")
    strides = c.attribute("strides", (1,) * axes)
    dilation = c.attribute("dilations", (1,) * axes)
    # As TensorFlow's exporters write it: at open sizes the layer computes these pads.
    by_layer = axes == 2 and pads_by_layer(c, x, strides)
    around = NO_PADS[2] if by_layer else begin_end(c, x, kernel.shape[2:], strides, dilation)
    less = [(max(-a, 0), max(-b, 0)) for a, b in around]
    if any(map(any, less)):
        x = cropped(c, x, [(0, 0), (0, 0), *less])
    pads = [(max(a, 0), max(b, 0)) for a, b in around]
    channels = x.shape[1]
    depthwise = groups != 1 and groups == channels
    turned = kernel.transpose(*range(2, kernel.ndim), 1, 0)  # (rows, columns, in, filters)
    if depthwise:  # filters of one channel lie together
        by_channel = kernel.reshape(channels, -1, *kernel.shape[2:])
        turned = by_channel.transpose(*range(2, kernel.ndim), 0, 1)
    if axes == 2 and (groups == 1 or depthwise):
        rows, columns = pads
        written = "same" if by_layer else (rows, columns)
        made = Convolution(
            x.tensor, turned, bias, None, _two(strides), written, _two(dilation), depthwise
        )
        return c.like(x, c.write(made))
    same = by_layer or (
        pads != NO_PADS[axes]
        and may_be_same(x, strides)
        and around_windows(x, kernel.shape[2:], strides, dilation) == pads
    )
    if not same:
        x = padded(c, x, [(0, 0), (0, 0), *pads], 0.0, "_pad")
    options: dict[str, Any] = {
        "strides": tuple(strides),
        "dilation_rate": tuple(dilation),
        "padding": "same" if same else "valid",
        "use_bias": bias is not None,
        "data_format": "channels_last",
    }
    size = tuple(kernel.shape[2:])
    if axes == 3 and groups > 1:
        return _volumes_in_groups(c, x, turned_groups(kernel, groups), bias, size, options)
    layer = _layer(c, axes, size, turned, groups, depthwise, options)
    y = c.call(layer, x.tensor)
    layer.kernel.assign(turned)
    if bias is not None:
        layer.bias.assign(bias)
    return c.like(x, y)


def _layer(
    c: Context,
    axes: int,
    size: tuple[int, ...],
    kernel: np.ndarray,
    groups: int,
    depthwise: bool,
    options: dict[str, Any],
) -> Any:
    import keras

    if depthwise and axes == 1:
        return keras.layers.DepthwiseConv1D(
            size, depth_multiplier=kernel.shape[-1], name=c.name, **options
        )
    kinds = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
    return kinds[axes](kernel.shape[-1], size, groups=groups, name=c.name, **options)


def turned_groups(kernel: np.ndarray, groups: int) -> list[np.ndarray]:
    """The kernels of the groups, each (rows, ..., in, filters)."""
    parts = np.split(kernel, groups)
    return [part.transpose(*range(2, kernel.ndim), 1, 0) for part in parts]


def _volumes_in_groups(
    c: Context,
    x: Value,
    kernels: Sequence[np.ndarray],
    bias: Any,
    size: tuple[int, ...],
    options: dict[str, Any],
) -> Value:
    """A convolution a group: TensorFlow has none of volumes in groups on a CPU."""
    import keras

    from ...program._operations import Concatenation

    each, parts, axis = kernels[0].shape[-2], [], x.rank - 1
    biases = [None] * len(kernels) if bias is None else np.split(bias, len(kernels))
    for number, (kernel, shift) in enumerate(zip(kernels, biases, strict=True)):
        name = f"{c.name}_group{number}"
        cut = Slice(axis, number * each, (number + 1) * each, name=f"{name}_in")
        layer: Any = keras.layers.Conv3D(kernel.shape[-1], size, name=name, **options)
        parts.append(c.call(layer, c.call(cut, x.tensor)))
        layer.kernel.assign(kernel)
        if shift is not None:
            layer.bias.assign(shift)
    return c.like(x, c.write(Concatenation(parts, axis)))


def _two(values: Sequence[int]) -> tuple[int, int]:
    first, second = values
    return int(first), int(second)


def gemm(c: Context) -> Value:
    """Gemm: y = alpha x B + beta C."""
    x, weights, bias = c.value(), c.constant(1), c.constant(2)
    if c.attribute("transA", 0):
        raise UnreadError("a transposed first matrix")
    kernel = (weights.T if c.attribute("transB", 0) else weights) * c.attribute("alpha", 1.0)
    if bias is not None:
        if bias.ndim > 1 and bias.shape[0] != 1:
            raise UnreadError(f"a bias of {bias.shape[0]} rows for a batch of any size")
        bias = np.broadcast_to(bias.reshape(-1) * c.attribute("beta", 1.0), kernel.shape[1:])
    x = c.last(x)
    return c.like(x, c.write(Dense(x.tensor, kernel.astype("float32"), bias)))


def mat_mul(c: Context) -> Value:
    """MatMul with a matrix of the file, and a bias if there is one: a dense layer."""
    x, weights, bias = c.value(), c.constant(1), c.constant(2)
    if weights.ndim != 2:
        raise UnreadError(f"a constant of {weights.ndim} dimensions")
    x = c.last(x)
    return c.like(x, c.write(Dense(x.tensor, weights, bias)))


def mat_mul_in_front(c: Context) -> Value:
    """MatMul A x with a matrix A of the file: a dense layer along the last axis but one of x."""
    matrix, x = c.constant(0), c.value(1)
    if matrix.ndim < 2 or matrix.size != matrix.shape[-2] * matrix.shape[-1]:
        raise UnreadError(f"a constant of the shape {matrix.shape} in front")
    if x.rank < 3 or x.order[0] == x.rank - 2:
        raise UnreadError("a constant in front of a matrix whose rows are the batch")
    x = c.last(x, axis=-2)
    return c.like(x, c.write(Dense(x.tensor, matrix.reshape(matrix.shape[-2:]).T)))


def batch_normalization(c: Context) -> Value:
    """BatchNormalization at inference, as a layer that can be trained further."""
    import keras

    if c.attribute("training_mode", 0) or any(c.node.outputs[1:]):
        raise UnreadError("training mode; export the network in evaluation mode")
    x = c.value()
    scale, shift, mean, variance = (c.constant(place) for place in (1, 2, 3, 4))
    layer: Any = keras.layers.BatchNormalization(
        axis=x.stored_axis(1),
        momentum=c.attribute("momentum", 0.9),
        epsilon=c.attribute("epsilon", 1e-5),
        name=c.name,
    )
    y = c.call(layer, x.tensor)
    for weight, array in (
        (layer.gamma, scale),
        (layer.beta, shift),
        (layer.moving_mean, mean),
        (layer.moving_variance, variance),
    ):
        weight.assign(array)
    return c.like(x, y)


KINDS = {
    "Conv": conv,
    DENSE: mat_mul,
    "Gemm": gemm,
    "BatchNormalization": batch_normalization,
}

ANY_LAYOUT = frozenset({DENSE, "Gemm"})
