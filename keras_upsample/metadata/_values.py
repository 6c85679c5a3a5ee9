"""Checks of the values that metadata is made of."""

import math
from collections.abc import Iterable
from typing import Any


def numbers(name: str, value: Any) -> tuple[float, ...]:
    """One number or several -> a tuple of floats.

    Raises:
        ValueError: something that is no finite number.
    """
    given = value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    try:
        result = tuple(float(item) for item in given)
    except (TypeError, ValueError):
        result = ()
    if not result or not all(map(math.isfinite, result)):
        raise ValueError(f"`{name}` must be finite numbers. Received: {value!r}.")
    return result


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Several names -> a tuple of them.

    Raises:
        ValueError: something else.
    """
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"`{name}` must be a list of names. Received: {value!r}.")
    return tuple(str(item) for item in value)


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """`value`, or "" for what is not known.

    Raises:
        ValueError: it is neither allowed nor "".
    """
    if value in (None, ""):
        return ""
    if value not in tuple(allowed):
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, allowed))}. Received: {value!r}."
        )
    return str(value)
