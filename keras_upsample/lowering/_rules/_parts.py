"""A convolution of a concatenation, part by part.

K * [u, v] = K_u * u + K_v * v, with the input channels of K that belong to each.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ...program._emit import Emitter
from ...program._graph import Tensor
from ...program._operations import Concatenation, Convolution
from .._match import Here, require

BY_PARTS = "by parts"


def parts_of(convolution: Convolution, here: Here) -> list[Tensor]:
    """The parts of the concatenation that a convolution alone reads; it joins the pattern.

    Raises:
        NoMatch: it reads none, or one in which a map stands twice.
    """
    parts = here.behind(convolution.x, Concatenation).parts
    require(len({id(part) for part in parts}) == len(parts), "a map is concatenated with itself")
    return parts


def concatenated(parts: Sequence[Tensor], emit: Emitter, suffix: str = "_parts") -> Tensor:
    """One tensor; a single one as it is."""
    import keras

    if len(parts) == 1:
        return parts[0]
    layer = keras.layers.Concatenate(name=f"{emit.name}{suffix}", dtype=emit.policy)
    return emit.call(layer, *parts)


def summed(
    parts: Sequence[Tensor],
    kernel: np.ndarray,
    convolution: Callable[[Tensor, np.ndarray, int], Tensor],
    emit: Emitter,
    suffix: str = "",
) -> Tensor:
    """The sum of the convolutions of the parts, two by two: ONNX Runtime adds within a convolution.

    Args:
        parts: of the concatenation.
        kernel: its third axis is that of the concatenation's channels.
        convolution: (part, its kernel, its number) -> result; the first has the bias.
        emit: of the rewrite.
        suffix: of the names of the sums.
    """
    import keras

    ends = np.cumsum([int(part.shape[3] or 0) for part in parts])
    pieces = np.split(kernel, ends[:-1], axis=2)
    total = convolution(parts[0], pieces[0], 0)
    for number, (part, piece) in enumerate(zip(parts[1:], pieces[1:], strict=True), 1):
        name = f"{emit.name}{suffix}_parts{number}"
        layer = keras.layers.Add(name=name, dtype=emit.policy)
        total = emit.call(layer, convolution(part, piece, number), total)
    return total


def form(view: Convolution, emitter: Callable[[], Emitter]) -> Callable[..., Tensor]:
    """The convolution as a sum of convolutions of its parts.

    Args:
        view: a convolution of all channels together; `x` is not used.
        emitter: makes the emitter of a fresh build.
    """

    def build(*parts: Tensor) -> Tensor:
        emit = emitter()

        def convolution(part: Tensor, kernel: np.ndarray, number: int) -> Tensor:
            return emit.convolution(
                part,
                kernel,
                None if number or view.bias is None else np.asarray(view.bias),
                pads=view.pads,
                strides=view.strides,
                dilation=view.dilation,
                suffix=f"_part{number}",
            )

        total = summed(parts, np.asarray(view.kernel), convolution, emit)
        return emit.activation(total, view.activation)

    return build
