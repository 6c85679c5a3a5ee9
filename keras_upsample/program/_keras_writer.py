"""Operations -> Keras layers: one function a kind, each with the weights given.

Every function takes the emitter, the operation and the layer's name, and returns the tensor.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ._graph import Tensor
from ._keras_reader import same_pads
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
    Linear,
    Operation,
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

if TYPE_CHECKING:
    from ._emit import Emitter


def convolution(emit: "Emitter", operation: Convolution, name: str) -> Tensor:
    """A Conv2D or DepthwiseConv2D, behind a ZeroPadding2D where no padding of Keras' fits."""
    import keras

    kernel, x, pads = operation.kernel, operation.x, operation.pads
    size, strides, dilation = operation.size, operation.strides, operation.dilation
    fitting = same_pads(x.shape[1:3], size, strides, dilation)
    same = pads == "same" or (pads != NONE and pads == fitting)
    if not (same or isinstance(pads, str)):
        x = emit.write(ZeroPadding(x, pads), name=f"{name}_pad")
    shared: dict[str, Any] = {
        "strides": strides,
        "padding": "same" if same else "valid",
        "dilation_rate": dilation,
        "activation": operation.activation,
        "use_bias": operation.bias is not None,
        "data_format": "channels_last",
        "dtype": emit.policy,
        "name": name,
    }
    layer: Any
    if operation.depthwise:
        layer = keras.layers.DepthwiseConv2D(
            size, depth_multiplier=kernel.shape[3], depthwise_initializer="zeros", **shared
        )
    else:
        layer = keras.layers.Conv2D(kernel.shape[3], size, kernel_initializer="zeros", **shared)
    return _with_weights(emit, layer, operation.on(x))


def transposed(emit: "Emitter", operation: Transposed, name: str) -> Tensor:
    """A TransposedConv2D with exactly this crop, which must fit (`writable`)."""
    from ..layers import TransposedConv2D

    kernel = operation.kernel
    layer: Any = TransposedConv2D(
        kernel.shape[2],
        operation.scale,
        kernel.shape[:2],
        use_bias=operation.bias is not None,
        initializer="zeros",
        activation=operation.activation,
        data_format="channels_last",
        dtype=emit.policy,
        name=name,
        **(_geometry(kernel.shape[:2], operation.scale, operation.crop) or {}),
    )
    return _with_weights(emit, layer, operation)


def dense(emit: "Emitter", operation: Dense, name: str) -> Tensor:
    """A Dense."""
    import keras

    layer: Any = keras.layers.Dense(
        operation.kernel.shape[1],
        activation=operation.activation,
        use_bias=operation.bias is not None,
        kernel_initializer="zeros",
        name=name,
        dtype=emit.policy,
    )
    return _with_weights(emit, layer, operation)


def affine(emit: "Emitter", operation: Affine, name: str) -> Tensor:
    """A Rescaling, of one number where all channels have the same."""
    scale, shift = (
        float(v.flat[0]) if v.size == 1 or (v == v.flat[0]).all() else v.tolist()
        for v in (operation.scale, operation.shift)
    )
    return _layer(emit, "Rescaling", name, scale, shift)(operation.x)


def activation(emit: "Emitter", operation: Activation, name: str) -> Tensor:
    """An Activation."""
    return _layer(emit, "Activation", name, operation.function)(operation.x)


def softmax(emit: "Emitter", operation: Softmax, name: str) -> Tensor:
    """A Softmax."""
    return _layer(emit, "Softmax", name, operation.axis)(operation.x)


def resize(emit: "Emitter", operation: Resize, name: str) -> Tensor:
    """A NearestUpSampling2D or BilinearUpSampling2D by whole factors (`writable`)."""
    from .. import layers

    kinds = {"nearest": layers.NearestUpSampling2D, "bilinear": layers.BilinearUpSampling2D}
    layer = kinds[operation.interpolation](
        operation.scale, data_format="channels_last", name=name, dtype=emit.policy
    )
    return emit.call(layer, operation.x)


def shuffle(emit: "Emitter", operation: Shuffle, name: str) -> Tensor:
    """A PixelShuffle2D."""
    from ..layers import PixelShuffle2D

    return _of_channels_last(emit, PixelShuffle2D, operation, name)


def unshuffle(emit: "Emitter", operation: Unshuffle, name: str) -> Tensor:
    """A PixelUnshuffle2D."""
    from ..layers import PixelUnshuffle2D

    return _of_channels_last(emit, PixelUnshuffle2D, operation, name)


def pool(emit: "Emitter", operation: Pool, name: str) -> Tensor:
    """A MaxPooling2D or AveragePooling2D."""
    kind = {"max": "MaxPooling2D", "mean": "AveragePooling2D"}[operation.kind]
    settings = operation.size, operation.strides, operation.padding
    return _layer(emit, kind, name, *settings, data_format="channels_last")(operation.x)


def zero_padding(emit: "Emitter", operation: ZeroPadding, name: str) -> Tensor:
    """A ZeroPadding2D."""
    layer = _layer(emit, "ZeroPadding2D", name, operation.pads, data_format="channels_last")
    return layer(operation.x)


def crop(emit: "Emitter", operation: Crop, name: str) -> Tensor:
    """A Cropping2D."""
    layer = _layer(emit, "Cropping2D", name, operation.crop, data_format="channels_last")
    return layer(operation.x)


def reshape(emit: "Emitter", operation: Reshape, name: str) -> Tensor:
    """A Reshape."""
    return _layer(emit, "Reshape", name, operation.shape)(operation.x)


def concatenation(emit: "Emitter", operation: Concatenation, name: str) -> Tensor:
    """A Concatenate."""
    return _layer(emit, "Concatenate", name, operation.axis)(*operation.parts)


def total(emit: "Emitter", operation: Sum, name: str) -> Tensor:
    """An Add."""
    return _layer(emit, "Add", name)(*operation.parts)


def difference(emit: "Emitter", operation: Difference, name: str) -> Tensor:
    """A Subtract."""
    return _layer(emit, "Subtract", name)(*operation.parts)


def product(emit: "Emitter", operation: Product, name: str) -> Tensor:
    """A Multiply."""
    return _layer(emit, "Multiply", name)(*operation.parts)


def interleaving(emit: "Emitter", operation: Interleaving, name: str) -> Tensor:
    """An Interleave2D."""
    from ._emitted_layers import Interleave2D

    layer = Interleave2D(operation.scale, name=name, dtype=emit.policy)
    return emit.call(layer, *operation.parts)


def writable(operation: Operation) -> bool:
    """Whether a layer computes exactly it.

    `TransposedConv2D` has no crop beyond its kernel, and resizes of other kinds than these two are
    each read off layers whose values differ in the last digits.
    """
    if isinstance(operation, Transposed):
        size = operation.kernel.shape[:2]
        return _geometry(size, operation.scale, operation.crop) is not None
    if isinstance(operation, Resize):
        known = operation.interpolation in ("nearest", "bilinear")
        return known and operation.scale is not None
    return True


def _layer(
    emit: "Emitter", kind: str, name: str, *settings: Any, **options: Any
) -> Callable[..., Tensor]:
    """What calls a new layer of Keras on tensors of the graph."""
    import keras

    layer = getattr(keras.layers, kind)(*settings, name=name, dtype=emit.policy, **options)
    return partial(emit.call, layer)


def _with_weights(emit: "Emitter", layer: Any, operation: Linear) -> Tensor:
    y = emit.call(layer, operation.x)
    layer.kernel.assign(np.asarray(operation.kernel))
    if operation.bias is not None:
        layer.bias.assign(np.asarray(operation.bias))
    return y


def _of_channels_last(
    emit: "Emitter", kind: Any, operation: Shuffle | Unshuffle, name: str
) -> Tensor:
    layer = kind(
        operation.scale,
        order=operation.order,
        data_format="channels_last",
        name=name,
        dtype=emit.policy,
    )
    return emit.call(layer, operation.x)


def _geometry(kernel: Sequence[int], scale: Pair, crop: Pads) -> dict[str, Any] | None:
    """Arguments of `TransposedConv2D` that crop so; None where none do."""
    from ..ops._transposed_geometry import exact_crop

    sizes = zip(kernel, scale, crop, strict=True)
    if all(k >= s and c == exact_crop(k, s) for k, s, c in sizes):
        return {}
    padding = tuple(begin for begin, _ in crop)
    output_padding = tuple(begin - end for begin, end in crop)
    fits = all(b >= 0 for b in padding) and all(
        0 <= o < s for o, s in zip(output_padding, scale, strict=True)
    )
    return {"padding": padding, "output_padding": output_padding} if fits else None
