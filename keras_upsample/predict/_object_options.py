"""Options that choose the objects of a class map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import did_you_mean

_BACKGROUND = "background"


@dataclass(frozen=True)
class ObjectOptions:
    """Options that choose the objects of a class map.

    Attributes:
        classes: names or numbers of the classes. None: all classes, without class 0 if it has no
            name or is called background.
        least_area: area in pixels of the smallest object that is kept.
        connectivity: 4: pixels with a common edge belong to one object; 8: pixels with a common
            edge or corner do.

    Raises:
        ValueError: a value is not allowed.
    """

    classes: Sequence[str | int] | None = None
    least_area: int = 1
    connectivity: int = 8

    def __post_init__(self) -> None:
        if self.connectivity not in (4, 8):
            raise ValueError(f"`connectivity` must be 4 or 8. Received: {self.connectivity!r}.")
        area = self.least_area
        if isinstance(area, bool) or not isinstance(area, int) or area < 1:
            raise ValueError(
                f"`least_area` must be a whole number of pixels >= 1. Received: {area!r}."
            )
        if self.classes is not None:
            given: Any = self.classes
            if isinstance(given, str) or not given:
                raise ValueError(
                    "`classes` must be a sequence of class names or numbers, e.g. "
                    f"('nucleus',), or None. Received: {given!r}."
                )
            object.__setattr__(self, "classes", tuple(given))

    def numbers(self, names: Sequence[str], count: int) -> tuple[int, ...]:
        """The numbers of the classes to take.

        Args:
            names: names of all classes, or empty.
            count: number of all classes.

        Raises:
            ValueError: the model has no such class.
        """
        if self.classes is None:
            skip = not names or names[0].strip().lower() == _BACKGROUND
            return tuple(range(int(skip), count))
        found = []
        for given in self.classes:
            if isinstance(given, str) and given in names:
                found.append(names.index(given))
                continue
            text = str(given)
            if isinstance(given, bool) or not text.isdecimal() or int(text) >= count:
                listed = f" ({', '.join(names)})" if names else ""
                raise ValueError(
                    f"`classes` of objects must be class names or numbers from 0 to {count - 1}"
                    f"{listed}. Received: {given!r}.{did_you_mean(given, names)}"
                )
            found.append(int(text))
        return tuple(dict.fromkeys(found))
