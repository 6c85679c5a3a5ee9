"""Convolutions, transposed convolutions and dense layers."""

from typing import Any, cast

import numpy as np

from ...program._keras_reader import same_pads
from ...program._keras_writer import writable
from ...program._operations import Convolution, Pads, Pair, Transposed
from ._activations import activated
from ._param import NcnnError
from ._place import Place
from ._value import ONE, Value

_SAME_UPPER, _SAME_LOWER = -233, -234
_ACTIVATION = (9, 10)
_GEOMETRY = (0, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16)


def convolution(p: Place) -> Value:
    """Convolution and ConvolutionDepthWise: weights (filters, channels / groups, rows, columns)."""
    depthwise = p.layer.kind == "ConvolutionDepthWise"
    p.none_but(*_GEOMETRY, *_ACTIVATION, *((7,) if depthwise else ()))
    x = p.value()
    size, strides, dilation = _pair(p, 1, 11), _pair(p, 3, 13, 1), _pair(p, 2, 12, 1)
    kernel, bias = _weights(p, x, size, p.whole(7, 1) if depthwise else 1)
    reach = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    pads = _pads(p, x, reach, strides)
    extents = [
        extent.plus(sum(pad) - length).divided(step).plus(1)
        for extent, pad, length, step in zip(x.extents, pads, reach, strides, strict=True)
    ]
    p.check(extents)
    filters, per_group = kernel.shape[:2]
    turned = kernel.transpose(2, 3, 1, 0)
    if per_group == x.channels:
        # Zeros around the image that keep its size are Keras' "same", whatever the size.
        keeps = strides == (1, 1) and all(
            begin == end == (length - 1) / 2
            for (begin, end), length in zip(pads, reach, strict=True)
        )
        made = Convolution(
            x.tensor, turned, bias, None, strides, "same" if keeps else pads, dilation
        )
        y = p.write(made)
    elif per_group == 1 and filters % x.channels == 0:
        turned = kernel.reshape(x.channels, -1, *size).transpose(2, 3, 0, 1)
        y = p.write(Convolution(x.tensor, turned, bias, None, strides, pads, dilation, True))
    else:
        y = _grouped(p, x, turned, bias, strides, pads, dilation)
    return p.sized(_activated(p, y), extents)


def _grouped(
    p: Place, x: Value, kernel: np.ndarray, bias: Any, strides: Pair, pads: Pads, dilation: Pair
) -> Any:
    import keras

    from ...program._operations import ZeroPadding

    layer: Any = keras.layers.Conv2D(
        kernel.shape[3],
        kernel.shape[:2],
        strides=strides,
        dilation_rate=dilation,
        groups=x.channels // kernel.shape[2],
        use_bias=bias is not None,
        data_format="channels_last",
        name=p.name,
    )
    y = p.call(layer, p.write(ZeroPadding(x.tensor, pads), "_pad"))
    layer.kernel.assign(kernel)
    if bias is not None:
        layer.bias.assign(bias)
    return y


def deconvolution(p: Place) -> Value:
    """Deconvolution: weights (filters, channels, rows, columns); pads crop the result."""
    p.none_but(*_GEOMETRY, *_ACTIVATION, 18, 19)
    x = p.value()
    size, strides = _pair(p, 1, 11), _pair(p, 3, 13, 1)
    if _pair(p, 2, 12, 1) != (1, 1):
        raise NcnnError("a dilation above 1")
    kernel, bias = _weights(p, x, size, 1)
    pads = _pads(p, x, size, strides)
    right = p.whole(18)
    more = p.whole(19, right), right
    p.moderate("output pads", *more)
    crop: Pads = (
        (pads[0][0], pads[0][1] - more[0]),
        (pads[1][0], pads[1][1] - more[1]),
    )
    made = Transposed(x.tensor, kernel.transpose(2, 3, 0, 1), bias, None, strides, crop)
    if not writable(made):
        raise NcnnError(f"a kernel {size} of strides {strides} that crops {crop}")
    extents = [
        extent.plus(-1).scaled(step).plus(length - sum(cut))
        for extent, step, length, cut in zip(x.extents, strides, size, crop, strict=True)
    ]
    p.check(extents)
    return p.sized(_activated(p, p.write(made)), extents)


def inner_product(p: Place) -> Value:
    """InnerProduct of a blob of 1x1 pixel, or of a whole map of fixed size: a convolution."""
    p.none_but(0, 1, 2, *_ACTIVATION)
    x, filters = p.value(), p.whole(0)
    rows, columns = (extent.known() for extent in x.extents)
    if rows is None or columns is None:
        raise NcnnError("a map whose size is open. Pass a fixed `input_shape`")
    shape = (filters, x.channels, rows, columns)
    _check_count(p, 2, shape)
    kernel = p.weights.tagged(*shape)
    bias = p.weights.plain(filters) if p.whole(1) else None
    y = p.write(Convolution(x.tensor, kernel.transpose(2, 3, 1, 0), bias))
    return Value(_activated(p, y), ONE, ONE, vector=True)


def batch_norm(p: Place) -> Value:
    """BatchNorm at inference, as a layer that can be trained further."""
    import keras

    p.none_but(0, 1)
    x = p.value()
    if p.whole(0) != x.channels:
        raise NcnnError(f"{p.whole(0)} channels, where its input has {x.channels}")
    layer: Any = keras.layers.BatchNormalization(epsilon=p.number(1), name=p.name)
    y = p.call(layer, x.tensor)
    for weight in (layer.gamma, layer.moving_mean, layer.moving_variance, layer.beta):
        weight.assign(p.weights.plain(x.channels))
    return p.like(x, y)


def _weights(p: Place, x: Value, size: Pair, groups: int) -> tuple[np.ndarray, Any]:
    filters = p.whole(0)
    if min(groups, filters) < 1 or x.channels % groups or filters % groups:
        raise NcnnError(f"{groups} groups of {x.channels} channels and {filters} filters")
    shape = (filters, x.channels // groups, *size)
    _check_count(p, 6, shape)
    kernel = p.weights.tagged(*shape)
    return kernel, p.weights.plain(filters) if p.whole(5) else None


def _check_count(p: Place, key: int, shape: tuple[int, ...]) -> None:
    count = int(np.prod([int(n) for n in shape], dtype=object))
    if p.whole(key) != count:
        raise NcnnError(f"it has {p.whole(key)} weights, where the shape {shape} needs {count}")


def _activated(p: Place, y: Any) -> Any:
    return activated(p, y, p.whole(9), p.array(10), "_activation")


def _pair(p: Place, columns: int, rows: int, default: int = 0) -> Pair:
    """Of rows and columns; ncnn's parameter of the rows is the columns' where it is absent."""
    across = p.whole(columns, default)
    down = p.whole(rows, across)
    if min(across, down) < 1:
        raise NcnnError(f"parameters {columns} and {rows} must be at least 1: {across}, {down}")
    p.moderate(f"parameters {columns} and {rows}", across, down)
    return down, across


def _pads(p: Place, x: Value, reach: Any, strides: Pair) -> Pads:
    left = p.whole(4)
    if left in (_SAME_UPPER, _SAME_LOWER):
        sizes = [extent.known() for extent in x.extents]
        if strides == (1, 1):
            sizes = [1, 1]  # whatever they are
        if p.layer.kind == "Deconvolution" or None in sizes:
            raise NcnnError("pads that depend on the image's size. Pass a fixed `input_shape`")
        same = cast(Pads, same_pads(sizes, reach, strides, (1, 1)))
        (top, bottom), (begin, end) = same
        if left == _SAME_LOWER:
            return (bottom, top), (end, begin)
        return (top, bottom), (begin, end)
    top = p.whole(14, left)
    pads = (top, p.whole(16, top)), (left, p.whole(15, left))
    p.moderate("pads", *pads[0], *pads[1])
    if min(map(min, pads)) < 0:
        raise NcnnError(f"negative pads {pads}")
    return pads


KINDS = {
    "BatchNorm": batch_norm,
    "Convolution": convolution,
    "ConvolutionDepthWise": convolution,
    "Deconvolution": deconvolution,
    "InnerProduct": inner_product,
}
