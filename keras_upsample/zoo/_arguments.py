"""Argument checks of the model builders: each returns the argument or says what is wrong."""

import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import keras

from ..errors import did_you_mean

Shape = tuple[int | None, int | None, int]


def check_choice(name: str, value: Any, allowed: Iterable[str], also: str = "") -> str:
    """`value` if it is one of `allowed`; the error lists them and guesses what was meant."""
    allowed = list(allowed)
    if isinstance(value, str) and value in allowed:
        return value
    guess = did_you_mean(value, allowed)
    names = ", ".join(repr(choice) for choice in allowed)
    raise ValueError(f"`{name}` must be one of {names}{also}. Received: {value!r}.{guess}")


def check_count(name: str, value: Any) -> int:
    """`value` as an int, if it is a whole number of at least 1."""
    # bool is an Integral too, but `classes=True` is a slip.
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"`{name}` must be an integer of at least 1. Received: {value!r}.")
    return int(value)


def check_one_of(name: str, value: Any, allowed: Sequence[int]) -> int:
    """`value` as an int, if it is one of the numbers `allowed`."""
    if isinstance(value, bool) or value not in allowed:
        names = ", ".join(map(str, allowed))
        raise ValueError(f"`{name}` must be one of {names}. Received: {value!r}.")
    return int(value)


def check_filters(value: Any, length: int | None, why: str) -> tuple[int, ...]:
    """`value` as a tuple of positive ints, `length` of them (None: at least 2)."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise ValueError(f"`filters` must be a sequence of integers. Received: {value!r}.")
    if (length is None and len(value) < 2) or (length is not None and len(value) != length):
        wanted = "at least 2" if length is None else str(length)
        raise ValueError(
            f"`filters` must have {wanted} entries, {why}. Received {len(value)}: {value!r}."
        )
    return tuple(check_count(f"filters[{i}]", width) for i, width in enumerate(value))


def check_rate(name: str, value: Any) -> float:
    """`value` as a float in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be a number in [0, 1). Received: {value!r}.")
    return float(value)


def check_momentum(value: Any) -> float | None:
    """`value` as a float in [0, 1), or None."""
    return None if value is None else check_rate("batch_norm_momentum", value)


def check_flag(name: str, value: Any) -> bool:
    """`value` if it is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` must be True or False. Received: {value!r}.")
    return value


def check_activation(value: Any) -> Any:
    """`value` if it is None or names, or is, an activation."""
    try:
        keras.activations.get(value)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "`activation` must be None, the name of a Keras activation such as 'softmax', or a "
            f"function of a tensor. Received: {value!r}."
        ) from error
    return value


def check_input_shape(value: Any) -> Shape:
    """`value` as (height, width, channels); height and width may be None, channels may not."""
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            "The zoo's models are channels-last, but Keras' `image_data_format` is "
            f"{keras.config.image_data_format()!r}. Call "
            "`keras.config.set_image_data_format('channels_last')` first."
        )
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 3:
        raise ValueError(
            "`input_shape` must be (height, width, channels), without the batch; height and "
            f"width may be None. Received: {value!r}."
        )
    height, width, channels = value
    if channels is None:
        raise ValueError(f"`input_shape` must name its channels. Received: {tuple(value)!r}.")
    return (
        None if height is None else check_count("input_shape[0]", height),
        None if width is None else check_count("input_shape[1]", width),
        check_count("input_shape[2]", channels),
    )
