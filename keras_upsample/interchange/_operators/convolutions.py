"""Convolutions, dense layers and batch normalization."""

from typing import Any, cast

import numpy as np

from ...program._keras_reader import same_pads
from ...program._keras_writer import writable
from ...program._operations import Convolution, Dense, Pads, Pair, Transposed
from .._context import Context, UnreadError
from .._open import at_every_size
from .._value import Value

DENSE = "keras_upsample.Dense"
"""Kind of the node that `_rules` puts for MatMul and Add."""


def conv(c: Context) -> Value:
    """Conv: kernel (M, C / groups, rows, columns)."""
    x = c.image()
    kernel, bias = c.constant(1), c.constant(2)
    if kernel.ndim != 4:
        raise UnreadError(f"a kernel of {kernel.ndim} dimensions; those of images have 4")
    groups = c.attribute("group", 1)
    strides, dilation = pair(c.attribute("strides", (1, 1))), pair(c.attribute("dilations", (1, 1)))
    pads = pads_of(c, x, kernel.shape[2:], strides, dilation)
    channels = x.shape[1]
    if groups == 1 or (groups == channels and kernel.shape[1] == 1):
        depthwise = groups != 1
        turned = kernel.transpose(2, 3, 1, 0)  # (rows, columns, in, filters)
        if depthwise:  # filters of one channel lie together
            turned = kernel.reshape(channels, -1, *kernel.shape[2:]).transpose(2, 3, 0, 1)
        made = Convolution(x.tensor, turned, bias, None, strides, pads, dilation, depthwise)
        return c.like(x, c.write(made))
    return c.like(x, _grouped(c, x, kernel, bias, groups, strides, pads, dilation))


def _grouped(
    c: Context,
    x: Value,
    kernel: np.ndarray,
    bias: Any,
    groups: int,
    strides: Pair,
    pads: Pads,
    dilation: Pair,
) -> Any:
    import keras

    from ...program._operations import ZeroPadding

    image = c.write(ZeroPadding(x.tensor, pads), "_pad")
    layer: Any = keras.layers.Conv2D(
        kernel.shape[0],
        kernel.shape[2:],
        strides=strides,
        dilation_rate=dilation,
        groups=groups,
        use_bias=bias is not None,
        data_format="channels_last",
        name=c.name,
    )
    y = c.call(layer, image)
    layer.kernel.assign(kernel.transpose(2, 3, 1, 0))
    if bias is not None:
        layer.bias.assign(bias)
    return y


def conv_transpose(c: Context) -> Value:
    """ConvTranspose: kernel (C, M, rows, columns)."""
    x = c.image()
    kernel, bias = c.constant(1), c.constant(2)
    strides = pair(c.attribute("strides", (1, 1)))
    if c.attribute("group", 1) != 1 or pair(c.attribute("dilations", (1, 1))) != (1, 1):
        raise UnreadError("groups or a dilation above 1")
    if c.attribute("output_shape") or c.attribute("auto_pad", "NOTSET") != "NOTSET":
        raise UnreadError("`output_shape` or `auto_pad`; export it with explicit pads")
    begin_end = c.attribute("pads", (0, 0, 0, 0))
    more = pair(c.attribute("output_padding", (0, 0)))
    crop = tuple((begin_end[axis], begin_end[axis + 2] - more[axis]) for axis in (0, 1))
    made = Transposed(
        x.tensor, kernel.transpose(2, 3, 1, 0), bias, None, strides, (crop[0], crop[1])
    )
    if not writable(made):
        raise UnreadError(f"a kernel {kernel.shape[2:]} of strides {strides} that crops {crop}")
    return c.like(x, c.write(made))


def gemm(c: Context) -> Value:
    """Gemm: y = alpha x B + beta C."""
    x, weights, bias = c.value(), c.constant(1), c.constant(2)
    if c.attribute("transA", 0):
        raise UnreadError("a transposed first matrix")
    kernel = (weights.T if c.attribute("transB", 0) else weights) * c.attribute("alpha", 1.0)
    if bias is not None:
        bias = np.broadcast_to(bias * c.attribute("beta", 1.0), kernel.shape[1:])
    x = c.last(x)
    return c.like(x, c.write(Dense(x.tensor, kernel.astype("float32"), bias)))


def mat_mul(c: Context) -> Value:
    """MatMul with a matrix of the file, and a bias if there is one: a dense layer."""
    x, weights, bias = c.value(), c.constant(1), c.constant(2)
    if weights.ndim != 2:
        raise UnreadError(f"a constant of {weights.ndim} dimensions")
    x = c.last(x)
    return c.like(x, c.write(Dense(x.tensor, weights, bias)))


def batch_normalization(c: Context) -> Value:
    """BatchNormalization at inference, as a layer that can be trained further."""
    import keras

    if c.attribute("training_mode", 0):
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


def pair(values: Any) -> tuple[int, int]:
    """Of rows and columns."""
    first, second = values
    return int(first), int(second)


def pads_of(c: Context, x: Value, kernel: Any, strides: Any, dilation: Any) -> Pads:
    """Rows and columns around an image, by `pads` or `auto_pad`."""
    auto = c.attribute("auto_pad", "NOTSET")
    if auto == "NOTSET":
        top, left, bottom, right = c.attribute("pads", (0, 0, 0, 0))
        if min(top, left, bottom, right) < 0:
            raise UnreadError("negative pads")
        return (top, bottom), (left, right)
    if auto == "VALID":
        return (0, 0), (0, 0)
    upper = automatic_pads(x, kernel, strides, dilation)
    if auto == "SAME_UPPER":
        return upper
    (top, bottom), (left, right) = upper
    return (bottom, top), (right, left)


def automatic_pads(x: Value, kernel: Any, strides: Any, dilation: Any) -> Pads:
    """TensorFlow's "same", of `program._keras_reader`: more at the end where the sum is odd."""
    return cast(
        Pads, at_every_size(x.shape[2:], lambda sizes: same_pads(sizes, kernel, strides, dilation))
    )


KINDS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    DENSE: mat_mul,
    "Gemm": gemm,
    "BatchNormalization": batch_normalization,
}

ANY_LAYOUT = frozenset({DENSE, "Gemm"})
