"""Class maps laid over images, as arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._colours import Colour, class_colours


def as_rgb(image: Any) -> np.ndarray:
    """Any image as (H, W, 3) uint8 for display.

    uint8 values stay as they are. For other dtypes, percentile 0.2 becomes 0 and 99.8 becomes 255,
    over all channels together. Grey is repeated three times; 4 channels are RGB and opacity, which
    is dropped; any other number of channels becomes grey, their mean.

    Args:
        image: (H, W) or (H, W, C).

    Raises:
        ValueError: `image` has another shape.
    """
    values = np.asarray(image)
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or 0 in values.shape:
        raise ValueError(f"`image` must be (H, W) or (H, W, C). Received shape: {np.shape(image)}.")
    values = values[..., :3] if values.shape[2] == 4 else values
    if values.shape[2] not in (1, 3):
        values = values.mean(axis=2, keepdims=True).astype(values.dtype)
    if values.dtype != np.uint8:
        low, high = np.percentile(values, (0.2, 99.8))
        scaled = (values - low) / (high - low if high > low else 1)
        values = np.rint(np.clip(scaled, 0, 1) * 255).astype("uint8")
    return np.broadcast_to(values, (*values.shape[:2], 3))


def overlay_image(
    image: Any,
    labels: Any,
    *,
    colours: Sequence[Colour] | None = None,
    alpha: float = 0.5,
    outlines: bool = True,
    above: np.ndarray | None = None,
) -> np.ndarray:
    """An image with its classes laid over it in colour; class 0 leaves the image as it is.

        y = (1 − alpha) · image + alpha · colour

    and, with `outlines`, the full colour where a class meets another.

    Args:
        image: (H, W) or (H, W, C); see `as_rgb`.
        labels: (H, W) of whole numbers.
        colours: RGB by class; None or empty for those of `class_colours`.
        alpha: opacity, 0 to 1.
        outlines: whether to draw the borders of the classes.
        above: (W,), the labels of the row above, if `image` is a part of a larger one.

    Returns:
        (H, W, 3) uint8, a new array.

    Raises:
        ValueError: the shapes differ, `alpha` is out of range, or a class has no colour.

    Example:
        >>> overlay_image(np.full((1, 2), 100, "uint8"), [[0, 1]], outlines=False).tolist()
        [[[100, 100, 100], [165, 130, 50]]]
    """
    base = as_rgb(image)
    classes = np.asarray(labels)
    if classes.shape != base.shape[:2] or classes.dtype.kind not in "bui":
        raise ValueError(
            f"`labels` must be whole numbers of the image's shape {base.shape[:2]}. Received: "
            f"{classes.dtype}, shape {classes.shape}."
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` must be between 0 and 1. Received: {alpha!r}.")
    if classes.dtype == bool:
        classes = classes.astype("uint8")
    least, most = int(classes.min()), int(classes.max())
    if least < 0 or (colours and most >= len(colours)):
        allowed = f"0 to {len(colours) - 1}, which have a colour" if colours else "0 or more"
        raise ValueError(f"`labels` must be classes, {allowed}. Received: {least} to {most}.")
    highest = max(most, 0 if above is None else int(np.max(above)))
    table = np.array(class_colours(highest + 1, colours), "uint8")
    # Whole numbers of 256ths, looked up by class: a tenth of the time that floats take.
    weight = np.full(highest + 1, round(256 * alpha), "uint16")
    weight[0] = 0
    mixed = base * np.take(256 - weight, classes)[..., None]
    mixed += np.take(table * weight[:, None] + np.uint16(128), classes, axis=0)
    result = (mixed >> 8).astype("uint8")
    if outlines:
        _outline(result, classes, table, above)
    return result


def _outline(
    result: np.ndarray, classes: np.ndarray, table: np.ndarray, above: np.ndarray | None
) -> None:
    """Draw over the pixels that differ from their neighbour on the left or above."""
    first = classes[:1] if above is None else np.asarray(above)[None]
    up = np.concatenate([first, classes[:-1]])
    left = np.concatenate([classes[:, :1], classes[:, :-1]], axis=1)
    edge = np.nonzero((classes != up) | (classes != left))
    here = classes[edge]
    # Background beside a class wears the colour of that class.
    shown = np.where(here > 0, here, np.maximum(up[edge], left[edge]))
    result[edge] = table[shown]
