"""Two linear convolutions of which one is 1x1 become one.

Q * (P x + b) + c = (Q P) * x + (Q * b + c) for a 1x1 P, where Q * b is a constant if Q meets no
padding or b is 0; and P (Q * x + c) + b = (P Q) * x + (P c + b) for any Q. Taken only where the
product costs no more multiply-adds than the two.
"""

import numpy as np

from .._emit import Emitter
from .._graph import Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._views import NONE, Convolution, convolution_of

NAME = "merge linear convolutions"


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """Conv2D -> Conv2D without an activation in between."""
    second = convolution_of(node)
    if second is None or second.depthwise or around.shared(node):
        return None
    maker = around.maker(second.x)
    first = None if maker is None else convolution_of(maker)
    if maker is None or first is None or first.depthwise or first.activation is not None:
        return None
    if second.pointwise:
        kernel_view, product = first, "hwio,zyop->hwip"
        kernel = np.asarray(first.kernel, "float64")
    elif first.pointwise:
        if first.bias is not None and second.pads != NONE and np.any(np.asarray(first.bias)):
            return None
        kernel_view, product = second, "zyio,hwop->hwip"
        kernel = np.asarray(second.kernel, "float64")
    else:
        return None
    cost = _taps(first) * _io(first) + _taps(second) * _io(second)
    merged_cost = (
        kernel.shape[0] * kernel.shape[1] * int(first.kernel.shape[2]) * int(second.kernel.shape[3])
    )
    if merged_cost > cost:
        return None

    def build(x: Tensor) -> Tensor:
        emit = Emitter(node.operation, sources(maker, node))
        a = np.asarray(first.kernel, "float64")
        b = np.asarray(second.kernel, "float64")
        bias = np.zeros(b.shape[3])
        if first.bias is not None:
            bias = bias + np.einsum("hwio,i->o", b, np.asarray(first.bias, "float64"))
        if second.bias is not None:
            bias = bias + np.asarray(second.bias, "float64")
        return emit.convolution(
            x,
            np.einsum(product, a, b),
            bias if first.bias is not None or second.bias is not None else None,
            pads=kernel_view.pads,
            strides=kernel_view.strides,
            dilation=kernel_view.dilation,
            activation=second.activation,
        )

    return Rewrite(
        NAME,
        sources(maker, node),
        (first.x,),
        node.outputs[0],
        {"one convolution": build},
        f"multiply-adds x{merged_cost / cost:.2f}",
        always=True,
    )


def _taps(view: Convolution) -> int:
    return view.size[0] * view.size[1]


def _io(view: Convolution) -> int:
    return int(view.kernel.shape[2]) * int(view.kernel.shape[3])
