"""A sub-pixel convolution is split, so that other rules see its convolution.

y = shuffle(act(K * x + b)): an activation that works number by number may come before the shuffle;
any other, a softmax, stays behind it, and so does every one behind a blur. A kernel for the "crd"
order is that for "dcr" with its output channels permuted.
"""

import numpy as np

from ...program._activations import by_element
from ...program._emitted_layers import CheckerboardBlur2D
from ...program._graph import Tensor
from ...program._keras_reader import activation_of, same_pads
from ...program._operations import Activation, Convolution, Shuffle
from .._match import Here, OtherKind, require
from .._rewrite import Rewrite

NAME = "subpixel"


def in_parts(here: Here) -> Rewrite:
    """A SubpixelConv2D."""
    from ...layers import SubpixelConv2D

    layer = here.node.operation
    if type(layer) is not SubpixelConv2D:
        raise OtherKind
    require(not here.around.shared(here.node), f"layer {layer.name!r} is shared")
    require(layer.data_format == "channels_last", f"{layer.name!r} has its channels first")

    def build(x: Tensor) -> Tensor:
        emit = here.emitter()
        kernel = np.asarray(layer.kernel)
        bias = None if layer.bias is None else np.asarray(layer.bias)
        if layer.order == "crd":
            order = np.arange(kernel.shape[3]).reshape(layer.filters, -1).T.ravel()
            kernel = kernel[..., order]
            bias = None if bias is None else bias[order]
        activation = activation_of(layer)
        before = by_element(activation) and not layer.blur
        pads = same_pads(x.shape[1:3], kernel.shape[:2], (1, 1), (1, 1))
        y = emit.write(Convolution(x, kernel, bias, activation if before else None, pads=pads))
        y = emit.write(Shuffle(y, layer.scale), "_shuffle")
        if layer.blur:
            name = f"{layer.name}_blur"
            y = emit.call(CheckerboardBlur2D(layer.scale, name=name, dtype=emit.policy), y)
        return y if before else emit.write(Activation(y, activation), "_activation")

    (x,) = here.node.inputs
    gain = "the other rules see its convolution and its shuffle"
    return here.rewrite((x,), {"apart": build}, gain, always=True)


PATTERNS = (in_parts,)
