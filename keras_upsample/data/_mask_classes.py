"""How the pixels of masks give classes: by number, by colour or by a threshold."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, Protocol

import numpy as np

from ._colour_table import ColourTable
from ._mask_values import is_sequence, several
from ._numbers import Numbers
from ._strengths import Strengths


class MaskClasses(Protocol):
    """Turns the pixels of masks into class numbers."""

    kind: str
    """How a file is read: "numbers", "colours" or "strengths" (see `read_masks`)."""

    def take(self, mask: np.ndarray) -> None:
        """See a mask, before the first label is made.

        Raises:
            ValueError: a pixel of it is of no class.
        """

    def close(self) -> None:
        """All masks were seen.

        Raises:
            ValueError: what they hold together can't be told apart.
        """

    def labels(self, mask: np.ndarray) -> np.ndarray:
        """Class numbers, uint8; 255 for pixels that do not count."""

    def classes(self) -> tuple[str, ...]:
        """Their names."""


def mask_classes(classes: Any, values: Any, ignore: Any, threshold: Any) -> MaskClasses:
    """The way that the arguments of `folder` ask for.

    Raises:
        ValueError: they do not go together.
    """
    if isinstance(values, Mapping):
        strange = [key for key in values if not isinstance(key, str)]
        if strange:
            raise ValueError(
                "`values` maps the name of a class to its value or colour, e.g. {'road': 7}. "
                f"Received {strange[0]!r} as a name. Turn it round, or pass the values alone, in "
                "the order of the classes."
            )
        if classes is not None:
            raise ValueError(
                "`classes` are the keys of `values` already. Received: both. Leave `classes` out, "
                "or pass `values` as a list."
            )
        classes, values = [*values.keys()], [*values.values()]
    if classes is not None:
        classes = [*classes]
    if threshold is not None:
        if values is not None:
            raise ValueError(
                "`threshold` makes two classes, `values` names the pixels of each. Received: both."
            )
        if isinstance(threshold, bool) or not isinstance(threshold, Real):
            raise ValueError(f"`threshold` must be a number. Received: {threshold!r}.")
        return Strengths(classes, float(threshold), several(ignore, "ignore"))
    if values is not None:
        values = [*values]
        if values and all(is_sequence(value) for value in values):
            return ColourTable(classes, values, ignore)
    return Numbers(classes, values, several(ignore, "ignore"))
