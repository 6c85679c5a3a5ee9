"""Pixel values of masks -> class numbers."""

from collections.abc import Sequence

import numpy as np

from ._labelled import IGNORED
from ._mask_values import place_of, several
from ._match import first


class Numbers:
    """Which pixel value is which class, once all masks were seen.

        values (0, 127, 200), ignore (9,):    0 127 200 9  ->  0 1 2 255

    Args:
        names: names of the classes, or None.
        values: the pixel value of each class; None where these are 0, 1, 2, ..., or 0 and 255.
        ignore: pixel values that are no class.

    Raises:
        ValueError: these do not go together.
    """

    kind = "numbers"

    def __init__(
        self, names: Sequence[str] | None, values: Sequence[int] | None, ignore: tuple[int, ...]
    ) -> None:
        if values is not None:
            values = several(values, "values")
            if len({*values}) < len(values) or {*values} & {*ignore}:
                raise ValueError(
                    "`values` must be different, and `ignore` none of them. Received: "
                    f"{list(values)}, {list(ignore)}."
                )
        if names is not None and len(names) != len(values or names):
            raise ValueError(
                f"`classes` must name each of `values`. Received: {list(names)} for "
                f"{list(values or ())}."
            )
        for what, count in (("classes", names), ("values", values)):
            if count is not None and not 1 <= len(count) <= IGNORED:
                raise ValueError(f"`{what}` must be 1 to 255. Received: {len(count)}.")
        self._names, self._values, self._ignore = names, values, ignore
        self._found: set[int] = set()

    def take(self, mask: np.ndarray) -> None:
        counted = set(np.unique(mask).tolist()) - {*self._ignore}
        if self._values is not None:
            wrong, allowed = counted - {*self._values}, f"`values` are {list(self._values)}"
        elif counted <= {0, 255}:
            wrong, allowed = set(), ""
        elif self._names is not None:
            wrong = {value for value in counted if value >= len(self._names)}
            allowed = f"`classes` has {len(self._names)}"
        else:
            wrong = {value for value in counted if value >= IGNORED}
            allowed = "class numbers go to 254"
        if wrong:
            shown = ", ".join(first([str(value) for value in sorted(wrong)]))
            raise ValueError(
                f"the mask holds {shown}; {allowed}. The first is at "
                f"{place_of(np.isin(mask, list(wrong)))}. Pass `ignore` for values that are no "
                "class, `values` for the value of each class, `threshold` for soft masks."
            )
        self._found |= counted

    def classes(self) -> tuple[str, ...]:
        """The names; "class 0", "class 1", ... where none were given."""
        return tuple(self._names or (f"class {i}" for i in range(len(self._all_values()))))

    def close(self) -> None:
        table = np.zeros(2**16, "uint8")
        values = list(self._all_values())
        table[values] = range(len(values))
        table[list(self._ignore)] = IGNORED
        self._table = table

    def labels(self, mask: np.ndarray) -> np.ndarray:
        return self._table[mask]

    def _all_values(self) -> Sequence[int]:
        if self._values is not None:
            return self._values
        if 255 not in self._found:
            return range(len(self._names or ()) or max(self._found, default=0) + 1)
        if self._found <= {0, 255} and len(self._names or "01") == 2:
            return (0, 255)
        raise ValueError(
            f"`masks` hold 255 in some files and {', '.join(map(str, sorted(self._found)))} in "
            "all. Pass `ignore=255` if it is no class, `values` for the value of each class, or "
            "`threshold` for soft masks."
        )
