"""Preprocessing in the network, `Rescaling` and its like -> the range of values that it takes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._affine import affine_of, changes_nothing
from ._facts import Door
from ._natural_range import natural_range


@dataclass(frozen=True)
class Preprocessing:
    """What a network does to an input first.

    Attributes:
        names: of the operators that compute, in order.
        run: from the input to the tensor behind them.
    """

    names: Iterable[str]
    run: Callable[[np.ndarray], np.ndarray]


def door_of(found: Preprocessing, shape: Sequence[int | None], dtype: Any) -> Door:
    """The range of pictures that the arithmetic is made for; empty where nothing is known.

    Args:
        found: with images that have their channels last.
        shape: of the input; None where a size is open.
        dtype: of the input.
    """
    affine = affine_of(found.run, shape, dtype)
    if affine is None or changes_nothing(*affine):
        return Door()
    value_range = natural_range(*affine)
    return Door(value_range, f"it begins with {', '.join(found.names)}") if value_range else Door()
