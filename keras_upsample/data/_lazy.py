"""A sequence whose items are computed on access."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Lazy(Sequence[np.ndarray]):
    """A sequence of `count` arrays; item i is `make(i)`, computed on access."""

    def __init__(self, make: Callable[[int], np.ndarray], count: int) -> None:
        self._make, self._count = make, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            chosen = range(self._count)[index]
            return Lazy(lambda i: self._make(chosen[i]), len(chosen))
        return self._make(range(self._count)[operator.index(index)])
