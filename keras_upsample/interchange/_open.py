"""Lengths that stay open, and arrays that follow from them.

A file with open sizes is run at several sizes (`_observe`), and a length is known by its values
there. That is enough to recognise "twice as large" or "as large as that tensor", whatever operators
compute it. Arithmetic goes value by value.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ._unread import OpenSizeError

FIX_THE_SIZE = "it depends on the size of the image; pass `input_shape`"


@dataclass(frozen=True, eq=False)
class Open:
    """A length, by its values at the sizes that were tried.

    What is true of it at some sizes alone, and its use as a plain number, are refused.
    """

    at: tuple[int, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Open) and self.at == other.at

    def __hash__(self) -> int:
        return hash(self.at)

    def __bool__(self) -> bool:
        return _agreed(tuple(map(bool, self.at)))

    def _refuse(self, *_: Any) -> NoReturn:
        raise OpenSizeError(FIX_THE_SIZE)

    __index__ = __int__ = __float__ = _refuse

    def _pairwise(self, function: Callable[[int, int], Any], other: Any, *, turned: bool) -> Any:
        others = other.at if isinstance(other, Open) else (other,) * len(self.at)
        pairs = zip(others, self.at, strict=True) if turned else zip(self.at, others, strict=True)
        return tuple(function(first, second) for first, second in pairs)


Length = Any
"""An int, or `Open`: they compute alike."""


def opened(values: Sequence[int]) -> Length:
    """A length of these values: a plain number where it is the same at every size."""
    return int(values[0]) if len(set(values)) == 1 else Open(tuple(map(int, values)))


def _agreed(answers: Sequence[bool]) -> bool:
    if len(set(answers)) > 1:
        raise OpenSizeError(FIX_THE_SIZE)
    return answers[0]


def _arithmetic(function: Callable[[int, int], int], turned: bool) -> Callable[[Open, Any], Length]:
    return lambda self, other: opened(self._pairwise(function, other, turned=turned))


def _comparison(function: Callable[[int, int], bool]) -> Callable[[Open, Any], bool]:
    return lambda self, other: _agreed(self._pairwise(function, other, turned=False))


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    for _turned in (False, True):
        _method = _arithmetic(getattr(operator, _name), _turned)
        setattr(Open, f"__{'r' if _turned else ''}{_name}__", _method)
for _name in ("lt", "le", "gt", "ge"):
    setattr(Open, f"__{_name}__", _comparison(getattr(operator, _name)))


@dataclass(frozen=True)
class Varying:
    """An array that follows from lengths: its values at the sizes that were tried."""

    at: tuple[np.ndarray, ...]

    @property
    def numbers(self) -> list[Length]:
        """Of a list of whole numbers."""
        return [opened(values) for values in np.stack(self.at, axis=-1).astype(int).tolist()]


def at_every_size(lengths: Sequence[Any], compute: Callable[[Any], Any]) -> Any:
    """What `compute` makes of lengths, if it is the same at every size that was tried.

    Raises:
        UnreadError: it is not.
    """
    tried = max((len(n.at) for n in lengths if isinstance(n, Open)), default=0)
    if not tried:
        return compute(tuple(lengths))
    results = [
        compute(tuple(n.at[k] if isinstance(n, Open) else n for n in lengths)) for k in range(tried)
    ]
    if any(result != results[0] for result in results):
        raise OpenSizeError(FIX_THE_SIZE)
    return results[0]
