"""A 1x1 convolution that reduces the channels goes before the resize.

A resize R acts on pixels, a 1x1 convolution P on channels, so that P R = R P. With a bias b,
P R x + b = R (P x + b), because every row of R adds up to 1 and leaves a constant as it is. An
activation stays behind the resize; nearest copies pixels, and commutes with that too if it works
pixel by pixel.
"""

import math

import numpy as np

from .._activations import by_pixel
from .._emit import Emitter
from .._graph import Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._twin import twin
from .._views import convolution_of, resize_of

NAME = "1x1 convolution before resize"


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """Resize -> 1x1 Conv2D of no more channels than it reads."""
    view = convolution_of(node)
    if view is None or not view.pointwise or around.shared(node):
        return None
    maker = around.maker(view.x)
    resize = None if maker is None else resize_of(maker)
    if maker is None or resize is None:
        return None
    channels, filters = int(view.kernel.shape[2]), int(view.kernel.shape[3])
    before, after = resize.x.shape[1:3], view.x.shape[1:3]
    grows = None not in (*before, *after) and math.prod(before) <= math.prod(after)  # type: ignore[arg-type]
    if filters > channels or not (grows or resize.scale is not None):
        return None
    copies = resize.interpolation.startswith("nearest") and by_pixel(view.activation)

    def build(x: Tensor) -> Tensor:
        emit = Emitter(node.operation, sources(maker, node))
        y = emit.convolution(
            x,
            np.asarray(view.kernel),
            None if view.bias is None else np.asarray(view.bias),
            activation=view.activation if copies else None,
        )
        y = emit.call(twin(maker.operation), y)
        return y if copies else emit.activation(y, view.activation)

    return Rewrite(
        NAME,
        sources(maker, node),
        (resize.x,),
        node.outputs[0],
        {"convolution first": build},
        f"resizes {filters} channels, not {channels}",
        always=True,
    )
