"""Colours of masks -> class numbers."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from ._labelled import IGNORED
from ._mask_values import is_sequence, place_of

_NONE = 254  # in the table: a colour of no class; class numbers go to 253 then


class ColourTable:
    """Which colour is which class.

        values ([0, 0, 0], [128, 0, 0]), ignore [224, 224, 192]:
            black -> 0, dark red -> 1, cream -> 255

    Args:
        names: names of the classes, or None.
        values: [red, green, blue] of each class, from 0 to 255.
        ignore: the colour or colours without a class, or None.

    Raises:
        ValueError: these are no colours, or do not go together.
    """

    kind = "colours"

    def __init__(self, names: Sequence[str] | None, values: Sequence[Any], ignore: Any) -> None:
        ignored = [] if ignore is None else [*ignore] if is_sequence(ignore) else [ignore]
        if len(ignored) == 3 and not any(is_sequence(one) for one in ignored):
            ignored = [ignored]  # one colour
        colours = [_colour(one, "values") for one in values]
        self._ignored = [_colour(one, "ignore") for one in ignored]
        if len({*colours, *self._ignored}) < len(colours) + len(self._ignored):
            raise ValueError(
                "`values` must be different, and `ignore` none of them. Received: "
                f"{[list(one) for one in colours]}, {ignore!r}."
            )
        if names is not None and len(names) != len(colours):
            raise ValueError(
                f"`classes` must name each of `values`. Received: {names} for {len(colours)} "
                "colours."
            )
        if len(colours) > _NONE:
            raise ValueError(f"`values` must be 1 to {_NONE} colours. Received: {len(colours)}.")
        self._names = tuple(names or (f"class {i}" for i in range(len(colours))))
        self._table = np.full(2**24, _NONE, "uint8")
        self._table[[_code(one) for one in colours]] = range(len(colours))
        self._table[[_code(one) for one in self._ignored]] = IGNORED

    def take(self, mask: np.ndarray) -> None:
        where = self._table[mask] == _NONE
        if not where.any():
            return
        codes, counts = np.unique(mask[where], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:5]
        shown = ", ".join(f"{_channels(codes[i])} in {counts[i]} pixels" for i in order)
        more = f" and {len(codes) - 5} more" if len(codes) > 5 else ""
        raise ValueError(
            f"the mask holds colours of no class: {shown}{more}; the first is "
            f"{_channels(mask[where][0])} at {place_of(where)}. Add them to `values`, or to "
            "`ignore`; masks that were resized or saved with loss have mixed colours at the edges."
        )

    def close(self) -> None:
        """Nothing to do: the user named every colour."""

    def labels(self, mask: np.ndarray) -> np.ndarray:
        return self._table[mask]

    def classes(self) -> tuple[str, ...]:
        return self._names


def codes(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) of bytes -> int32 (H, W): 65536 red + 256 green + blue."""
    wide = pixels.astype("int32")
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _code(colour: tuple[int, ...]) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _channels(code: Any) -> list[int]:
    return [int(code) >> 16, int(code) >> 8 & 255, int(code) & 255]


def _colour(value: Any, what: str) -> tuple[int, ...]:
    fine = is_sequence(value) and len(value) == 3
    if not fine or not all(
        isinstance(one, Integral) and not isinstance(one, bool) and 0 <= int(one) <= 255
        for one in value
    ):
        raise ValueError(
            f"`{what}` must be colours [red, green, blue] of whole numbers from 0 to 255, as "
            f"`values` are. Received: {value!r}."
        )
    return tuple(int(one) for one in value)
