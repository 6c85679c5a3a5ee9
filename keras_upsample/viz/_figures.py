"""Figures for notebooks; they need matplotlib (`pip install matplotlib`)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._installed import need
from ._colours import Colour, class_colours
from ._overlay import as_rgb, overlay_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def overlay(
    image: Any,
    labels: Any,
    *,
    classes: Sequence[str] | None = None,
    colours: Sequence[Colour] | None = None,
    alpha: float = 0.5,
    outlines: bool = True,
) -> "Figure":
    """A figure of an image with its classes laid over it, and a legend of their names.

    Args:
        image: (H, W) or (H, W, C).
        labels: (H, W) of whole numbers.
        classes: names for the legend; default no legend.
        colours, alpha, outlines: as for `overlay_image`.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: as `overlay_image`.
    """
    picture = overlay_image(image, labels, colours=colours, alpha=alpha, outlines=outlines)
    figure, (axes,) = _panels(1, picture.shape[0] / picture.shape[1])
    axes.imshow(picture)
    _legend(figure, classes, colours)
    return figure


def compare(
    image: Any,
    results: Mapping[str, Any],
    *,
    classes: Sequence[str] | None = None,
    colours: Sequence[Colour] | None = None,
    alpha: float = 0.5,
    outlines: bool = True,
) -> "Figure":
    """A figure of an image and of several results side by side, under their names.

    Args:
        image: (H, W) or (H, W, C).
        results: name -> class map (H, W) of whole numbers, laid over the image, or a picture
            (H, W, C) of any size, shown as it is.
        classes: names for the legend; default no legend.
        colours, alpha, outlines: as for `overlay_image`.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: as `overlay_image`; no result.
    """
    if not results:
        raise ValueError("`results` is empty; pass at least one, e.g. {'unet': labels}.")
    pictures = [("image", as_rgb(image))]
    for name, result in results.items():
        picture = (
            overlay_image(image, result, colours=colours, alpha=alpha, outlines=outlines)
            if np.ndim(result) == 2
            else as_rgb(result)
        )
        pictures.append((name, picture))
    height, width, _ = pictures[0][1].shape
    figure, panels = _panels(len(pictures), height / width)
    for axes, (name, picture) in zip(panels, pictures, strict=True):
        axes.imshow(picture)
        axes.set_title(name)
    _legend(figure, classes, colours)
    return figure


def _panels(count: int, aspect: float) -> tuple["Figure", "Sequence[Axes]"]:
    reason = "Figures need matplotlib (overlay_image gives an array without it)."
    need("matplotlib", reason, "matplotlib")
    from matplotlib import pyplot

    side = 5.0 if count == 1 else 3.5
    figure, axes = pyplot.subplots(
        1,
        count,
        squeeze=False,
        figsize=(side * count, side * min(aspect, 3) + 0.8),
        layout="constrained",
    )
    # Closed for pyplot only: a notebook shows what a cell returns, and would show it twice.
    pyplot.close(figure)
    for panel in axes[0]:
        panel.set_axis_off()
    return figure, list(axes[0])


def _legend(
    figure: "Figure", classes: Sequence[str] | None, colours: Sequence[Colour] | None
) -> None:
    if not classes:
        return
    from matplotlib.patches import Patch

    table = class_colours(len(classes), colours)
    handles = [
        Patch(facecolor=(r / 255, g / 255, b / 255), edgecolor="black", label=name)
        for name, (r, g, b) in zip(classes, table, strict=True)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4))
