"""A 3x3 convolution by Winograd's minimal filtering in both directions."""

from collections.abc import Callable

import numpy as np

from ...program._emit import Emitter
from ...program._graph import Tensor
from ...program._operations import Activation, Convolution

FORM = "4x4 by 6x6"
_MIN_CHANNELS = 128
_MAX_SIZE = 64


def pays(view: Convolution) -> bool:
    """Whether it may: many channels share the passes over a small map."""
    height, width = (int(n or 0) for n in view.x.shape[1:3])
    channels = min(int(n) for n in view.kernel.shape[2:])
    return channels >= _MIN_CHANNELS and min(height, width) >= 4 and max(height, width) <= _MAX_SIZE


def form(view: Convolution, emitter: Callable[[], Emitter]) -> Callable[[Tensor], Tensor]:
    """A `TiledConv2D` in place of the convolution.

    Args:
        view: a 3x3 convolution that keeps the size.
        emitter: makes the emitter of a fresh build.
    """

    def build(x: Tensor) -> Tensor:
        from ...program._tiled import TiledConv2D

        emit = emitter()
        filters, biased = int(view.kernel.shape[3]), view.bias is not None
        layer = TiledConv2D(filters, biased, name=emit.name, dtype=emit.policy)
        y = emit.call(layer, x)
        layer.assign(np.asarray(view.kernel), np.asarray(view.bias) if biased else None)
        return emit.write(Activation(y, view.activation), "_activation")

    return build
