"""Values of masks, as users name them and as messages show them."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np


def several(value: Any, what: str) -> tuple[int, ...]:
    """No number, one or several, as ints.

    Raises:
        ValueError: they are no whole numbers from 0 to 65,535.
    """
    found = () if value is None else tuple(value) if is_sequence(value) else (value,)
    for one in found:
        if isinstance(one, bool) or not isinstance(one, Integral) or not 0 <= int(one) < 2**16:
            colours = " Colours are [red, green, blue], all of them." if what == "values" else ""
            raise ValueError(
                f"`{what}` must be whole numbers from 0 to 65535. Received: {one!r}.{colours}"
            )
    return tuple(int(one) for one in found)


def is_sequence(value: Any) -> bool:
    """Whether it is a list, a tuple or an array."""
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)


def place_of(where: np.ndarray) -> str:
    """The first true pixel, in words."""
    row, column = np.argwhere(where)[0]
    return f"row {row}, column {column} (from 0)"
