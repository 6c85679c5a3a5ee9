"""A convolution of a concatenation, part by part.

K * [u, v] = K_u * u + K_v * v, with the input channels of K that belong to each.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ...program._emit import Emitter
from ...program._graph import Tensor
from ...program._operations import Activation, Concatenation, Convolution, Sum
from .._match import Here, require

BY_PARTS = "by parts"


def parts_of(convolution: Convolution, here: Here) -> Sequence[Tensor]:
    """The parts of the concatenation that a convolution alone reads; it joins the pattern.

    Raises:
        NoMatch: it reads none, or one in which a map stands twice.
    """
    parts = here.behind(convolution.x, Concatenation).parts
    require(len({id(part) for part in parts}) == len(parts), "a map is concatenated with itself")
    return parts


def concatenate(parts: Sequence[Tensor], emit: Emitter, suffix: str = "_parts") -> Tensor:
    """One tensor; a single one as it is."""
    return emit.write(Concatenation(parts), suffix)


def add_up(
    parts: Sequence[Tensor],
    kernel: np.ndarray,
    convolution: Callable[[Tensor, np.ndarray, int], Tensor],
    emit: Emitter,
    suffix: str = "",
) -> Tensor:
    """The sum of the convolutions of the parts, two by two: ONNX Runtime adds within a convolution.

    Args:
        parts: inputs of the concatenation.
        kernel: its third axis is that of the concatenation's channels.
        convolution: (part, its kernel, its number) -> result; the first has the bias.
        emit: emitter of the rewrite.
        suffix: first part of the suffix in the sums' names.
    """
    ends = np.cumsum([int(part.shape[3] or 0) for part in parts])
    pieces = np.split(kernel, ends[:-1], axis=2)
    total = convolution(parts[0], pieces[0], 0)
    for number, (part, piece) in enumerate(zip(parts[1:], pieces[1:], strict=True), 1):
        both = Sum((convolution(part, piece, number), total))
        total = emit.write(both, f"{suffix}_parts{number}")
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
            own = replace(view, x=part, kernel=kernel, activation=None)
            return emit.write(replace(own, bias=None) if number else own, f"_part{number}")

        total = add_up(parts, np.asarray(view.kernel), convolution, emit)
        return emit.write(Activation(total, view.activation), "_activation")

    return build
