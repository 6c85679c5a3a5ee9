"""An explicit padding with zeros goes into the convolution behind it.

A convolution with pads (p, q) sees zeros outside of its input; with a padding of (a, b) in front it
sees a + p and b + q of them. The sum is stated as Keras' "same" where it is that; elsewhere nothing
is won, because Keras has no other words for it.
"""

import numpy as np

from .._emit import Emitter
from .._graph import Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._views import _same_pads, convolution_of, zero_padding_of

NAME = "padding into convolution"


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """ZeroPadding2D -> Conv2D or DepthwiseConv2D."""
    view = convolution_of(node)
    if view is None or around.shared(node) or isinstance(view.pads, str):
        return None
    pad = around.maker(view.x)
    pads = None if pad is None else zero_padding_of(pad)
    if pad is None or pads is None:
        return None
    (x,) = pad.inputs
    total = tuple((a + p, b + q) for (a, b), (p, q) in zip(pads, view.pads, strict=True))
    if total != _same_pads(x.shape[1:3], view.size, view.strides, view.dilation):
        return None

    def build(tensor: Tensor) -> Tensor:
        emit = Emitter(node.operation, sources(pad, node))
        return emit.convolution(
            tensor,
            np.asarray(view.kernel),
            None if view.bias is None else np.asarray(view.bias),
            pads=total,
            strides=view.strides,
            dilation=view.dilation,
            activation=view.activation,
            depthwise=view.depthwise,
        )

    return Rewrite(
        NAME,
        sources(pad, node),
        (x,),
        node.outputs[0],
        {"same": build},
        "no copy of the feature map",
        always=True,
    )
