"""A sub-pixel convolution is taken apart, so that the other rules see its convolution.

y = shuffle(act(K * x + b)): an activation that works number by number may come before the shuffle;
any other, a softmax, stays behind it, and so does every one behind a blur. A kernel for the "crd"
order is that for "dcr" with its output channels permuted.
"""

import numpy as np

from .._activations import by_element
from .._emit import Emitter
from .._formed import CheckerboardBlur2D
from .._graph import Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._views import _activation, _same_pads

NAME = "sub-pixel convolution -> convolution + shuffle"


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """A SubpixelConv2D."""
    from ...layers import SubpixelConv2D

    layer = node.operation
    if type(layer) is not SubpixelConv2D or around.shared(node):
        return None
    if layer.data_format != "channels_last":
        return None

    def build(x: Tensor) -> Tensor:
        emit = Emitter(layer, sources(node))
        kernel = np.asarray(layer.kernel)
        bias = None if layer.bias is None else np.asarray(layer.bias)
        if layer.order == "crd":
            order = np.arange(kernel.shape[3]).reshape(layer.filters, -1).T.ravel()
            kernel = kernel[..., order]
            bias = None if bias is None else bias[order]
        activation = _activation(layer)
        before = by_element(activation) and not layer.blur
        y = emit.convolution(
            x,
            kernel,
            bias,
            pads=_same_pads(x.shape[1:3], kernel.shape[:2], (1, 1), (1, 1)),
            activation=activation if before else None,
        )
        y = emit.shuffle(y, layer.scale)
        if layer.blur:
            name = f"{layer.name}_blur"
            y = emit.call(CheckerboardBlur2D(layer.scale, name=name, dtype=emit.policy), y)
        return y if before else emit.activation(y, activation)

    (x,) = node.inputs
    return Rewrite(NAME, sources(node), (x,), node.outputs[0], {"apart": build}, "", always=True)
