"""The colours of classes."""

import colorsys
from collections.abc import Sequence

Colour = tuple[int, int, int]

PALETTE: tuple[Colour, ...] = (
    (0, 0, 0),
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
"""Okabe and Ito's colours, which the colour-blind tell apart; black, the first, is background.

Reference: Okabe and Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/
"""

_GOLDEN = 0.618034


def class_colours(count: int, colours: Sequence[Colour] | None = None) -> tuple[Colour, ...]:
    """RGB of each of `count` classes.

    Args:
        count: number of classes, >= 1.
        colours: colours of the first classes; default `PALETTE`. Further classes get hues a golden
            section apart, which differ but are not chosen for the colour-blind.

    Raises:
        ValueError: a colour is not three whole numbers of 0 to 255.
    """
    chosen = tuple(colours) if colours is not None and len(colours) else PALETTE
    for colour in chosen:
        if len(colour) != 3 or not all(0 <= int(v) == v <= 255 for v in colour):
            raise ValueError(
                f"`colours` must be RGB, three whole numbers of 0 to 255. Received: {colour!r}."
            )
    more = []
    for k in range(len(chosen), count):
        rgb = colorsys.hsv_to_rgb(k * _GOLDEN % 1, (0.5, 0.9)[k // 2 % 2], (0.95, 0.6)[k % 2])
        more.append(tuple(round(255 * v) for v in rgb))
    return (*chosen, *more)[:count]  # type: ignore[return-value]
