"""A 1x1 convolution of a concatenation or sum becomes a sum of 1x1 convolutions, each where it is
cheap.

P [u, v, ...] + b = P_u u + P_v v + ... + b, with the columns of P that belong to each part, and
P (u + v + ...) + b = P u + P v + ... + b. Of a part that is resized, P_u R x = R P_u x (the proof
is in `pointwise`): the convolution reads the small map. A concatenated part that a linear 1x1
convolution Q makes gives P_u (Q x + c), one convolution, by the rule `merge`. All other parts stay
together. So end the decoder of SegFormer, which concatenates four maps of one size, the pyramid of
an FPN, which adds them, and the pyramid pooling of DeepLab.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...program._graph import Tensor
from ...program._operations import (
    Activation,
    Concatenation,
    Convolution,
    Dense,
    OfSeveral,
    Resize,
    Sum,
)
from ...program._twin import twin
from ...targets._names import BRANCHES
from .._match import Here, require
from .._rewrite import Rewrite
from . import _parts, _resizes

NAME = BRANCHES
_ELEMENT = 8
"""Multiply-adds of a convolution that take less time than one element of a resize, which is no
product of matrices."""


@dataclass(frozen=True)
class _Branch:
    """One part of what the convolution reads, or all those that stay together.

    Attributes:
        x: what its convolution reads: one tensor, or several to concatenate or to add.
        channels: those of the convolution that belong to it.
        resizes: the layer behind the convolution; None where there is none.
    """

    x: Sequence[Tensor]
    channels: np.ndarray
    resizes: Any = None


def concatenated(here: Here) -> Rewrite:
    """Resizes and linear 1x1 convolutions -> concatenation of channels -> 1x1 convolution."""
    convolution = _pointwise(here)
    parts = _parts.parts_of(convolution, here)
    ends = np.cumsum([int(part.shape[3] or 0) for part in parts])
    pieces = np.split(np.arange(ends[-1]), ends[:-1])
    filters = int(convolution.kernel.shape[3])
    own, rest = [], []
    for part, channels in zip(parts, pieces, strict=True):
        branch = _resized(part, channels, here) if filters <= len(channels) else None
        if branch is None and _is_made_of_fewer(part, here):
            branch = _Branch((part,), channels)
        if branch is None:
            rest.append((part, channels))
        else:
            own.append(branch)
    if rest:
        together, left = zip(*rest, strict=True)
        own.insert(0, _Branch(together, np.concatenate(left)))
    require(
        len(own) > 1 and len(rest) < len(parts), "no part of the concatenation is cheaper alone"
    )
    return _apart(here, convolution, own, Concatenation)


def added(here: Here) -> Rewrite:
    """Resizes -> sum -> 1x1 convolution of far fewer channels."""
    convolution = _pointwise(here)
    parts = here.behind(convolution.x, Sum).parts
    channels, filters = (int(n) for n in convolution.kernel.shape[2:])
    after = _resizes.pixels(convolution.x)
    own, rest = [], []
    for part in parts:
        resize = here.peek(part, Resize)
        before = None if resize is None else _resizes.pixels(resize.x)
        cheap = (
            before is not None
            and after is not None
            and before * channels * filters <= _ELEMENT * (channels - filters) * after
        )
        branch = _resized(part, np.arange(channels), here) if cheap else None
        if branch is None:
            rest.append(part)
        else:
            own.append(branch)
    require(bool(own), "no part of the sum is cheaper alone")
    if rest:
        own.insert(0, _Branch(rest, np.arange(channels)))
    return _apart(here, convolution, own, Sum)


PATTERNS = (concatenated, added)


def _pointwise(here: Here) -> Convolution:
    convolution = here.this(Convolution)
    require(convolution.pointwise, f"{here.node.name!r} is no 1x1 convolution")
    return convolution


def _resized(part: Tensor, channels: np.ndarray, here: Here) -> _Branch | None:
    """A part that a resize enlarges, which joins the pattern; None for any other."""
    resize = here.peek(part, Resize)
    if resize is None or not _resizes.grows(resize, part):
        return None
    here.behind(part, Resize)
    return _Branch((resize.x,), channels, here.matched[0].operation)


def _is_made_of_fewer(part: Tensor, here: Here) -> bool:
    """Whether a linear 1x1 convolution makes the part of fewer channels."""
    linear = here.peek(part, Convolution, Dense)
    first = None if linear is None else _resizes.as_convolution(linear)
    if first is None or not first.pointwise or first.activation is not None:
        return False
    return int(first.kernel.shape[2]) < int(first.kernel.shape[3])


def _apart(
    here: Here,
    convolution: Convolution,
    branches: Sequence[_Branch],
    together: Callable[[Sequence[Tensor]], OfSeveral],
) -> Rewrite:
    def build(*tensors: Tensor) -> Tensor:
        emit, given = here.emitter(), iter(tensors)
        results = []
        for number, branch in enumerate(branches):
            x = emit.write(together([next(given) for _ in branch.x]), "_parts")
            view = replace(
                convolution.on(x),
                kernel=convolution.exact_kernel[:, :, branch.channels],
                bias=None if number else convolution.bias,
                activation=None,
            )
            y = emit.write(view, f"_part{number}")
            results.append(y if branch.resizes is None else emit.call(twin(branch.resizes), y))
        total = results[0]
        for number, result in enumerate(results[1:], 1):
            total = emit.write(Sum((total, result)), f"_add{number}")
        return emit.write(Activation(total, convolution.activation), "_activation")

    resized = sum(branch.resizes is not None for branch in branches)
    return here.rewrite(
        tuple(tensor for branch in branches for tensor in branch.x),
        {"a convolution for each": build},
        f"{len(branches)} convolutions, {resized} of them before a resize",
        always=True,
    )
