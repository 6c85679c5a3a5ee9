"""Keras layers -> operations: what a node computes, whichever layer of Keras or ours it is.

Every function is None where the node is something else, or does more: trains, has several groups,
keeps the channels first, was quantised.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._others._keras import is_operation
from ._graph import Node
from ._operations import (
    NONE,
    Activation,
    Affine,
    Concatenation,
    Convolution,
    Crop,
    Dense,
    Difference,
    Interleaving,
    Pads,
    Pair,
    Pool,
    Product,
    Reshape,
    Resize,
    Shuffle,
    Softmax,
    Sum,
    Transposed,
    Unshuffle,
    ZeroPadding,
)


def convolution_of(node: Node) -> Convolution | None:
    """Conv2D or DepthwiseConv2D."""
    import keras

    layer = node.operation
    kind = type(layer)
    if kind not in (keras.layers.Conv2D, keras.layers.DepthwiseConv2D) or not _plain(node):
        return None
    if kind is keras.layers.Conv2D and layer.groups != 1:
        return None
    x = node.inputs[0]
    strides, dilation = _pair(layer.strides), _pair(layer.dilation_rate)
    kernel = layer.kernel
    pads: Pads | str = NONE
    if layer.padding == "same":
        pads = same_pads(x.shape[1:3], kernel.shape[:2], strides, dilation)
    elif layer.padding != "valid":
        return None
    return Convolution(
        x,
        kernel,
        layer.bias if layer.use_bias else None,
        activation_of(layer),
        strides,
        pads,
        dilation,
        kind is keras.layers.DepthwiseConv2D,
    )


def transposed_of(node: Node) -> Transposed | None:
    """Conv2DTranspose or TransposedConv2D."""
    import keras

    from ..layers import TransposedConv2D

    layer = node.operation
    if not _plain(node):
        return None
    if type(layer) is TransposedConv2D:
        if layer.groups != 1 or layer.dilation_rate != (1, 1):
            return None
        scale, bias = _pair(layer.scale), layer.bias
        first, second = layer.crop
        crop = (first, second)
    elif type(layer) is keras.layers.Conv2DTranspose:
        if _pair(layer.dilation_rate) != (1, 1) or layer.output_padding is not None:
            return None
        scale = _pair(layer.strides)
        bias = layer.bias if layer.use_bias else None
        rows, columns = (
            _transposed_crop(int(k), s, layer.padding)
            for k, s in zip(layer.kernel.shape[:2], scale, strict=True)
        )
        crop = (rows, columns)
    else:
        return None
    return Transposed(node.inputs[0], layer.kernel, bias, activation_of(layer), scale, crop)


def dense_of(node: Node) -> Dense | None:
    """Dense."""
    import keras

    layer = node.operation
    if type(layer) is not keras.layers.Dense or len(node.inputs) != 1:
        return None
    if layer.quantization_mode is not None or layer.lora_enabled:
        return None
    return Dense(node.inputs[0], layer.kernel, layer.bias, activation_of(layer))


def affine_of(node: Node) -> Affine | None:
    """BatchNormalization at inference, or Rescaling."""
    import keras

    layer = node.operation
    if type(layer) is keras.layers.BatchNormalization:
        rank = len(node.inputs[0].shape)
        if not (node.infers and layer.axis in (-1, rank - 1)) or len(node.inputs) != 1:
            return None
        variance = _array(layer.moving_variance)
        scale = 1 / np.sqrt(variance + layer.epsilon)
        if layer.scale:
            scale = scale * _array(layer.gamma)
        shift = -_array(layer.moving_mean) * scale
        if layer.center:
            shift = shift + _array(layer.beta)
        return Affine(node.inputs[0], scale, shift)
    if type(layer) is keras.layers.Rescaling:
        channels = node.inputs[0].shape[-1]
        scale, shift = (np.asarray(v, "float64") for v in (layer.scale, layer.offset))
        if channels is None or any(
            v.ndim > 1 or v.size not in (1, channels) for v in (scale, shift)
        ):
            return None
        return Affine(
            node.inputs[0],
            np.broadcast_to(scale, (channels,)),
            np.broadcast_to(shift, (channels,)),
        )
    return None


def resize_of(node: Node) -> Resize | None:
    """UpSampling2D, Resizing, keras.ops.image.resize, or a resizing layer of ours."""
    import keras

    from .. import layers

    op = node.operation
    if len(node.inputs) != 1 or len(node.inputs[0].shape) != 4:
        return None
    x, y = node.inputs[0], node.outputs[0]
    if getattr(op, "data_format", "channels_last") != "channels_last":
        return None
    ours = {
        layers.NearestUpSampling2D: "nearest",
        layers.BilinearUpSampling2D: "bilinear",
        layers.BicubicUpSampling2D: "bicubic",
        layers.LanczosUpSampling2D: "lanczos",
        layers.AreaResize2D: "area",
    }
    kind = type(op)
    scale = None
    if kind in ours:
        interpolation = ours[kind]
        if interpolation == "nearest" and op.coordinates == "align_corners":
            return Resize(x, "nearest_corners", None)
        scale = op.scale
        if scale is None and getattr(op, "antialias", False):
            return Resize(x, f"antialiased {interpolation}", None)
    elif kind is keras.layers.UpSampling2D:
        interpolation, scale = op.interpolation, _pair(op.size)
    elif kind is keras.layers.Resizing or is_operation(op, "image", "Resize"):
        if op.crop_to_aspect_ratio or op.pad_to_aspect_ratio or op.antialias:
            return None
        interpolation = op.interpolation
    else:
        return None
    if scale is None:
        scale = _whole_factors(x.shape[1:3], y.shape[1:3])
    if interpolation == "area" and scale is not None:
        interpolation = "nearest"  # a whole pixel of x lies under each of y
    return Resize(x, interpolation, scale)


def shuffle_of(node: Node) -> Shuffle | None:
    """PixelShuffle2D or keras.ops.depth_to_space."""
    from ..layers import PixelShuffle2D

    op = node.operation
    if getattr(op, "data_format", None) != "channels_last" or len(node.inputs) != 1:
        return None
    if type(op) is PixelShuffle2D:
        return Shuffle(node.inputs[0], op.scale, op.order)
    if is_operation(op, "nn", "DepthToSpace"):
        return Shuffle(node.inputs[0], op.block_size, "dcr")
    return None


def concatenation_of(node: Node) -> Concatenation | None:
    """Concatenate, keras.ops.concatenate, or SkipFusion2D that concatenates maps of one size."""
    import keras

    from ..layers import SkipFusion2D

    op = node.operation
    kind = type(op)
    parts = node.inputs
    if len(parts) < 2 or any(len(part.shape) != 4 for part in parts):
        return None
    if kind is keras.layers.Concatenate or is_operation(op, "numpy", "Concatenate"):
        return Concatenation(parts) if op.axis in (-1, 3) else None
    if kind is SkipFusion2D and op.mode == "concat" and op.data_format == "channels_last":
        sizes = {part.shape[1:3] for part in parts}
        same = len(sizes) == 1 and not any(None in size for size in sizes)
        return Concatenation(parts) if same or op.align is None else None
    return None


def zero_padding_of(node: Node) -> ZeroPadding | None:
    """ZeroPadding2D."""
    import keras

    layer = node.operation
    if type(layer) is not keras.layers.ZeroPadding2D or layer.data_format != "channels_last":
        return None
    (top, bottom), (left, right) = layer.padding
    return ZeroPadding(node.inputs[0], ((top, bottom), (left, right)))


def crop_of(node: Node) -> Crop | None:
    """Cropping2D."""
    import keras

    layer = node.operation
    if type(layer) is not keras.layers.Cropping2D or layer.data_format != "channels_last":
        return None
    (top, bottom), (left, right) = layer.cropping
    return Crop(node.inputs[0], ((top, bottom), (left, right)))


def pool_of(node: Node) -> Pool | None:
    """MaxPooling2D or AveragePooling2D."""
    import keras

    layer = node.operation
    kinds = {keras.layers.MaxPooling2D: "max", keras.layers.AveragePooling2D: "mean"}
    kind = kinds.get(type(layer))
    if kind is None or layer.data_format != "channels_last":
        return None
    size, strides = _pair(layer.pool_size), _pair(layer.strides)
    return Pool(node.inputs[0], kind, size, strides, layer.padding)


def activation_at(node: Node) -> Activation | None:
    """Activation, or a ReLU without a slope and a threshold, of no bound or of 6."""
    import keras

    layer = node.operation
    if type(layer) is keras.layers.Activation:
        return Activation(node.inputs[0], activation_of(layer))
    if type(layer) is keras.layers.ReLU:
        functions = {None: keras.activations.relu, 6: keras.activations.relu6}
        bent = layer.negative_slope or layer.threshold or layer.max_value not in functions
        return None if bent else Activation(node.inputs[0], functions[layer.max_value])
    return None


def softmax_of(node: Node) -> Softmax | None:
    """Softmax along one axis."""
    import keras

    layer = node.operation
    if type(layer) is not keras.layers.Softmax or not isinstance(layer.axis, int):
        return None
    return Softmax(node.inputs[0], layer.axis) if len(node.inputs) == 1 else None


def reshape_of(node: Node) -> Reshape | None:
    """Reshape."""
    import keras

    layer = node.operation
    if type(layer) is not keras.layers.Reshape:
        return None
    return Reshape(node.inputs[0], tuple(layer.target_shape))


def unshuffle_of(node: Node) -> Unshuffle | None:
    """PixelUnshuffle2D."""
    from ..layers import PixelUnshuffle2D

    layer = node.operation
    if type(layer) is not PixelUnshuffle2D or layer.data_format != "channels_last":
        return None
    return Unshuffle(node.inputs[0], layer.scale, layer.order)


def sum_of(node: Node) -> Sum | None:
    """Add, or + of tensors of one shape."""
    return Sum(node.inputs) if _is_of_alike(node, "Add") else None


def difference_of(node: Node) -> Difference | None:
    """Subtract, or - of tensors of one shape."""
    return Difference(node.inputs) if _is_of_alike(node, "Subtract") else None


def product_of(node: Node) -> Product | None:
    """Multiply, or * of tensors of one shape."""
    return Product(node.inputs) if _is_of_alike(node, "Multiply") else None


def interleaving_of(node: Node) -> Interleaving | None:
    """Interleave2D."""
    from ._emitted_layers import Interleave2D

    layer = node.operation
    return Interleaving(node.inputs, layer.scale) if type(layer) is Interleave2D else None


def _is_of_alike(node: Node, name: str) -> bool:
    """Whether it is a layer or an operation of Keras on two or more tensors of one shape."""
    import keras

    is_layer = type(node.operation) is getattr(keras.layers, name)
    known = is_layer or is_operation(node.operation, "numpy", name)
    return known and len(node.inputs) > 1 and len({x.shape for x in node.inputs}) == 1


def _plain(node: Node) -> bool:
    layer = node.operation
    return (
        getattr(layer, "data_format", None) == "channels_last"
        and len(node.inputs) == 1
        and len(node.inputs[0].shape) == 4
        and getattr(layer, "quantization_mode", None) is None
        and not getattr(layer, "lora_enabled", False)
    )


def activation_of(layer: Any) -> Any:
    """The function behind a layer, None for the identity."""
    import keras

    function = layer.activation
    return None if function is keras.activations.linear else function


def _array(variable: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(variable), "float64")


def _pair(value: int | Sequence[int]) -> Pair:
    if isinstance(value, int):
        return value, value
    first, second = value
    return int(first), int(second)


def _whole_factors(n_in: Sequence[int | None], n_out: Sequence[int | None]) -> Pair | None:
    if None in (*n_in, *n_out) or any(m % n for n, m in zip(n_in, n_out, strict=True)):  # type: ignore[operator]
        return None
    rows, columns = (m // n for n, m in zip(n_in, n_out, strict=True))  # type: ignore[operator]
    return rows, columns


def same_pads(
    sizes: Sequence[int | None], kernel: Sequence[int], strides: Pair, dilation: Pair
) -> Pads | str:
    """TensorFlow's SAME: ceil(n / s) pixels, the odd one of the padding at the end."""
    pads = []
    for n, k, s, d in zip(sizes, kernel, strides, dilation, strict=True):
        reach = (k - 1) * d
        if s == 1:
            total = reach
        elif n is None:
            return "same"
        else:
            total = max((-(-n // s) - 1) * s + reach + 1 - n, 0)
        pads.append((total // 2, total - total // 2))
    return pads[0], pads[1]


def _transposed_crop(kernel: int, stride: int, padding: str) -> Pair:
    """Of Keras' Conv2DTranspose on TensorFlow; a negative end adds zeros."""
    if padding == "valid":
        return 0, min(kernel - stride, 0)
    total = kernel - stride
    return max(total, 0) // 2, total - max(total, 0) // 2
