"""A pixel shuffle in operators that a target without DEPTH_TO_SPACE has.

y[s i + a, s j + b, c] = x[i, j, (a s + b) C + c] is the transposed convolution with the kernel
K[a, b, c, d] = 1 where d = (a s + b) C + c, else 0, at stride s: no two pixels of x meet.
"""

import numpy as np

from ...export.targets import SHUFFLE
from .._emit import Emitter
from .._graph import Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._views import shuffle_of

NAME = SHUFFLE


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """PixelShuffle2D or depth_to_space."""
    view = shuffle_of(node)
    if view is None or view.scale == 1 or view.x.shape[3] is None:
        return None
    s, channels = view.scale, int(view.x.shape[3])
    filters = channels // s**2

    def one_hot(x: Tensor) -> Tensor:
        index = np.arange(channels).reshape(s, s, filters)
        if view.order == "crd":  # channel c s s + a s + b
            index = np.arange(channels).reshape(filters, s, s).transpose(1, 2, 0)
        kernel = np.zeros((s, s, filters, channels), "float32")
        a, b, c = np.indices((s, s, filters))
        kernel[a, b, c, index] = 1
        emit = Emitter(node.operation, sources(node))
        return emit.transposed(x, kernel, None, scale=(s, s), crop=((0, 0), (0, 0)))

    return Rewrite(
        NAME,
        sources(node),
        (view.x,),
        node.outputs[0],
        {"one-hot transposed": one_hot},
        "no operator that falls back to the CPU",
        block=f"shuffle {s} of {channels} channels",
    )
