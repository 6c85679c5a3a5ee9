"""An affine map by channel goes into the weights beside it.

Behind a linear layer: s (K * x + b) + t = (s K) * x + (s b + t), where s scales output channels.
Before one: K * (s x + t) = (K s) * x + K * t, where s scales input channels. K * t is a constant
only where the convolution meets no zeros from padding; with t = 0 padding does not matter, for
s 0 = 0, and an explicit zero padding in between commutes likewise.
"""

from typing import Any

import numpy as np

from .._emit import Emitter, fits_transposed
from .._graph import Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._views import NONE, Affine, affine_of, convolution_of, transposed_of, zero_padding_of

NAME = "fold"


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """Batch normalization or rescaling behind or before a convolution."""
    if around.shared(node):
        return None
    affine = affine_of(node)
    if affine is not None:
        return _behind(node, affine, around)
    return _before(node, around)


def _behind(node: Node, affine: Affine, around: Surroundings) -> Rewrite | None:
    linear = around.maker(affine.x)
    if linear is None:
        return None
    build = _scaled(linear, affine, sources(linear, node))
    if build is None:
        return None
    return Rewrite(
        NAME,
        sources(linear, node),
        (linear.inputs[0],),
        node.outputs[0],
        {"one layer": build},
        "no pass over the feature map of its own",
        always=True,
    )


def _scaled(node: Node, affine: Affine, names: tuple[str, ...]) -> Any:
    """Build of a linear layer with its output scaled and shifted; None where it is no such."""
    import keras

    layer = node.operation
    convolution, transposed = convolution_of(node), transposed_of(node)

    def bias_of(view: Any) -> np.ndarray:
        bias = 0.0 if view.bias is None else np.asarray(view.bias, "float64")
        return affine.scale * bias + affine.shift

    if convolution is not None and convolution.activation is None:
        kernel = np.asarray(convolution.kernel, "float64")
        scale = affine.scale
        if convolution.depthwise:
            scale = scale.reshape(kernel.shape[2:])
        return lambda x: Emitter(layer, names).changed(
            convolution, kernel * scale, bias_of(convolution), x
        )
    if transposed is not None and transposed.activation is None:
        kernel = np.asarray(transposed.kernel, "float64") * affine.scale[:, None]
        if not fits_transposed(kernel.shape[:2], transposed.scale, transposed.crop):
            return None
        return lambda x: Emitter(layer, names).transposed(
            x, kernel, bias_of(transposed), scale=transposed.scale, crop=transposed.crop
        )
    if type(layer) is keras.layers.Dense and _plain_dense(layer):
        return lambda x: _dense(layer, affine, x, names)
    return None


def _plain_dense(layer: Any) -> bool:
    import keras

    return (
        layer.activation is keras.activations.linear
        and layer.quantization_mode is None
        and not layer.lora_enabled
    )


def _dense(layer: Any, affine: Affine, x: Tensor, names: tuple[str, ...]) -> Tensor:
    import keras

    emit = Emitter(layer, names)
    kernel = np.asarray(layer.kernel, "float64") * affine.scale
    bias = 0.0 if layer.bias is None else np.asarray(layer.bias, "float64")
    folded = keras.layers.Dense(
        kernel.shape[1], kernel_initializer="zeros", name=layer.name, dtype=emit.policy
    )
    y = emit.call(folded, x)
    folded.kernel.assign(kernel)
    folded.bias.assign(affine.scale * bias + affine.shift)
    return y


def _before(node: Node, around: Surroundings) -> Rewrite | None:
    view = convolution_of(node)
    if view is None:
        return None
    pad = around.maker(view.x)
    pads = None if pad is None else zero_padding_of(pad)
    inner = view.x if pads is None or pad is None else pad.inputs[0]
    maker = around.maker(inner)
    affine = None if maker is None else affine_of(maker)
    if maker is None or affine is None or affine.x.spec.dtype != inner.spec.dtype:
        return None  # a rescaling of integers makes floats of them as well
    padded = pads is not None or view.pads != NONE
    if padded and np.any(affine.shift != 0):
        return None
    names = sources(maker, *([pad] if pads is not None and pad is not None else []), node)

    def build(x: Tensor) -> Tensor:
        emit = Emitter(node.operation, names)
        kernel = np.asarray(view.kernel, "float64")
        # (rows, columns, in, out or multiplier)
        constant = np.einsum("hwio,i->io" if view.depthwise else "hwio,i->o", kernel, affine.shift)
        bias = constant.ravel()
        if view.bias is not None:
            bias = bias + np.asarray(view.bias, "float64")
        kernel = kernel * affine.scale[:, None]
        if pads is not None and pad is not None:
            x = emit.call(pad.operation, x)
        return emit.changed(view, kernel, bias if view.bias is not None or bias.any() else None, x)

    return Rewrite(
        NAME,
        names,
        (affine.x,),
        node.outputs[0],
        {"one layer": build},
        "no pass over the feature map of its own",
        always=True,
    )
