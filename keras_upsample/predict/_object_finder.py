"""Find the objects of a class map, given whole or in bands."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._installed import need
from ..images._map import MapGrid
from ._object_options import ObjectOptions
from ._objects import Object, Objects
from ._runs import NONE, RunEncoder, Runs


class ObjectFinder:
    """Finds the objects of a class map that is given band after band.

    An object that lies in several bands is one object.

    Args:
        options: options that choose the objects.
        width: width of the class map, in pixels.
        names: names of all classes, or empty.
        count: number of all classes.

    Raises:
        ValueError: the options name no class of the model.
        ModuleNotFoundError: SciPy is not installed.
    """

    def __init__(
        self, options: ObjectOptions, width: int, names: Sequence[str], count: int
    ) -> None:
        check_scipy()
        self._options, self._names = options, tuple(names)
        self._wanted = np.full(count + 1, NONE, "int32")  # the last one for values beyond
        for number in options.numbers(names, count):
            self._wanted[number] = number
        self._encoder = RunEncoder(width)

    def add(
        self,
        labels: np.ndarray,
        probabilities: np.ndarray | None = None,
        none: np.ndarray | None = None,
    ) -> None:
        """Add the next rows.

        Args:
            labels: (h, W) class numbers.
            probabilities: (h, W, K) of all classes, or (h, W, 1) of class 1; None for none.
            none: (h, W) bool, which pixels hold no data. None: all hold data.
        """
        classes = self._wanted[np.minimum(labels, len(self._wanted) - 1)]
        if none is not None:
            classes[none] = NONE
        own = None if probabilities is None else _of_class(probabilities, labels)
        self._encoder.add(classes, own)

    def objects(self, grid: MapGrid | None = None) -> Objects:
        """The objects of all rows that were added.

        Args:
            grid: the class map's grid on the map; None if it is not georeferenced.
        """
        return _measured(self._encoder.runs(), self._options, self._names, grid)


def find_objects(
    labels: Any,
    probabilities: Any = None,
    *,
    options: ObjectOptions | None = None,
    class_names: Sequence[str] = (),
    valid: Any = None,
) -> Objects:
    """Find the objects of a class map: its connected components, class by class.

    Args:
        labels: (H, W) integers, the class of every pixel.
        probabilities: (H, W, K) of all classes, or (H, W, 1) of class 1, for the objects' mean
            probability.
        options: classes, smallest area and connectivity.
        class_names: one name for each class, or empty.
        valid: (H, W) bool, which pixels hold data. None: all do.

    Returns:
        `Objects`: a sequence of `Object`, with `label_image()` and `polygons`.

    Raises:
        ValueError: an argument has another shape, or the options name a class that is not there.
        ModuleNotFoundError: SciPy is not installed.

    Example:
        >>> import numpy as np
        >>> found = find_objects(np.array([[1, 1, 0], [0, 0, 0], [0, 0, 2]]))
        >>> [(each.class_number, each.pixels, each.centroid) for each in found]
        [(1, 2, (1.0, 0.5)), (2, 1, (2.5, 2.5))]
    """
    values = np.asarray(labels)
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "bui" or values.min() < 0:
        raise ValueError(
            "`labels` must be class numbers (H, W), integers >= 0, at least 1 pixel. Received: "
            f"shape {values.shape}, dtype {values.dtype}."
        )
    scores = None if probabilities is None else np.asarray(probabilities)
    if scores is not None and (scores.ndim != 3 or scores.shape[:2] != values.shape):
        raise ValueError(
            f"`probabilities` must be (H, W, K) for `labels` of {values.shape}. Received: shape "
            f"{scores.shape}."
        )
    none = None if valid is None else ~np.asarray(valid, bool)
    if none is not None and none.shape != values.shape:
        raise ValueError(f"`valid` must be {values.shape} as `labels` are. Received: {none.shape}.")
    highest = int(values.max() if none is None or none.all() else values[~none].max())
    count = max(highest + 1, len(class_names), 2)
    if scores is not None and scores.shape[2] > 1:
        count = max(count, scores.shape[2])
        if highest >= scores.shape[2]:
            raise ValueError(
                f"`probabilities` are of {scores.shape[2]} classes, and `labels` hold class "
                f"{highest}."
            )
    options = options or ObjectOptions()
    if not class_names and scores is None:  # nothing says how many classes there could be
        numbers = [int(each) for each in options.classes or () if str(each).isdecimal()]
        count = max([count, *(number + 1 for number in numbers)])
    finder = ObjectFinder(options, values.shape[1], class_names, count)
    finder.add(values, scores, none)
    return finder.objects()


def check_scipy() -> None:
    """Raise unless SciPy, which finding objects needs, is installed.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    reason = "Objects are connected components, found by SciPy, which is not installed."
    need("scipy", reason, "scipy")


def _of_class(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(h, w, K) -> (h, w) float64, the probability of each pixel's class."""
    if probabilities.shape[-1] == 1:
        single = probabilities[..., 0].astype("float64")
        return np.where(labels == 1, single, 1 - single)
    # Without data the label is 255: no class, and its pixels are in no object.
    at = np.minimum(labels, probabilities.shape[-1] - 1).astype("int64")
    return np.take_along_axis(probabilities, at[..., None], axis=-1)[..., 0].astype("float64")


def _measured(
    runs: Runs, options: ObjectOptions, names: tuple[str, ...], grid: MapGrid | None
) -> Objects:
    """The connected components of the runs, as measured objects."""
    component = runs.components(options.connectivity)
    inside = component != NONE
    at, lengths = component[inside], runs.lengths[inside]
    count = int(at.max(initial=-1)) + 1
    left, rows = runs.columns[inside], runs.rows[inside]
    pixels = np.bincount(at, lengths, count)
    x = np.bincount(at, lengths * (left + lengths / 2), count) / np.maximum(pixels, 1)
    y = np.bincount(at, lengths * (rows + 0.5), count) / np.maximum(pixels, 1)
    box = np.empty((count, 4), "int64")
    box[:, :2] = np.iinfo("int64").max
    box[:, 2:] = -1
    np.minimum.at(box[:, 0], at, left)
    np.minimum.at(box[:, 1], at, rows)
    np.maximum.at(box[:, 2], at, left + lengths)
    np.maximum.at(box[:, 3], at, rows + 1)
    classes = np.empty(count, "int64")
    classes[at] = runs.classes[inside]
    means = None if runs.sums is None else np.bincount(at, runs.sums[inside], count) / pixels
    kept = np.flatnonzero(pixels >= options.least_area)
    numbers = np.zeros(count + 1, "int64")  # the last one for runs of no component
    numbers[kept] = np.arange(1, len(kept) + 1)
    centres = np.stack([x, y], axis=1)
    on_map = None if grid is None else grid.points(centres)
    found = tuple(
        Object(
            number,
            int(classes[k]),
            names[classes[k]] if classes[k] < len(names) else "",
            int(pixels[k]),
            tuple(box[k].tolist()),
            tuple(centres[k].tolist()),
            None if means is None else float(means[k]),
            None if grid is None else float(pixels[k]) * abs(grid.pixel_area),
            None if on_map is None else tuple(on_map[k].tolist()),
        )
        for number, k in enumerate(kept, 1)
    )
    return Objects(runs.size, grid, count - len(kept), found, runs, numbers[component])
