"""What the graph of a file of another maker says of its input and output.

The counterpart of `export._door` for files: arithmetic with constants that
the input goes through first, and the activation that the output came through last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..export._graph_facts import Door
from ..export._natural_range import OPEN, affine_of, changes_nothing, middle, natural_range
from ..export._tensorflow_graph import facts_of_function
from . import _foreign_onnx, _foreign_tflite
from ._foreign_part import Arithmetic


@dataclass(frozen=True)
class FileGraph:
    """Of one file; empty where nothing is told.

    Attributes:
        value_range: that the input is made for.
        because: the operators that say so.
        activations: name of an output -> `"softmax"`, `"sigmoid"`, `"tanh"` or `"class_map"`.
    """

    value_range: tuple[float, float] | None = None
    because: str = ""
    activations: Mapping[str, str] = ()  # type: ignore[assignment]


def graph_of_file(runner: Any, channels: int | None, axis: int) -> FileGraph:
    """Read off the file of a runner; of what has no file nothing is known.

    Args:
        runner: of an `.onnx` or `.tflite` file, or a SavedModel; its first input is the picture.
        channels: of the picture.
        axis: on which they lie, 1 or 3.
    """
    if hasattr(runner, "function"):
        return _of_function(runner)
    path, picture = Path(getattr(runner, "path", None) or ""), runner.inputs[0]
    reader = {".onnx": _foreign_onnx.read, ".tflite": _foreign_tflite.read}.get(path.suffix)
    if reader is None:
        return FileGraph(activations={})
    try:
        activations, arithmetic = reader(path, picture.name)
    except Exception:  # damaged in a way that its runtime does not mind
        return FileGraph(activations={})
    if isinstance(arithmetic, tuple):
        because = "a converter learnt that its integers stand for these values"
        return FileGraph(arithmetic, because, activations)
    if arithmetic is None or channels is None or len(picture.shape) != 4:
        return FileGraph(activations=activations)
    shape = [size or OPEN for size in picture.shape]
    shape[0], shape[axis] = picture.shape[0] or 1, channels
    return _judged(arithmetic, activations, shape, axis, np.dtype(picture.dtype))


def _of_function(runner: Any) -> FileGraph:
    """Of a SavedModel."""
    names = [info.name for info in runner.outputs]
    found = facts_of_function(runner.function, [runner.inputs[0].name], names)
    door = found.doors[0] if found.doors else Door()
    activations = dict(zip(names, found.activations, strict=False))
    return FileGraph(door.value_range, door.because, activations)


def _judged(
    arithmetic: Arithmetic, activations: dict[str, str], shape: list[int], axis: int, dtype: Any
) -> FileGraph:
    channels = shape[axis]

    def run(pixel: np.ndarray) -> np.ndarray:
        """From one pixel to what becomes of it, far from the borders of a constant image."""
        last = np.broadcast_to(pixel.astype(dtype), (*_without(shape, axis), channels))
        result = np.asarray(arithmetic.run(np.moveaxis(last, -1, axis)))
        place = next(a for a in (axis, 4 - axis) if result.shape[a] == channels)
        return middle(np.moveaxis(result, place, -1)[0])

    try:
        matrix, offset = affine_of(run, channels)
    except Exception:  # operators that do not run on a constant image
        matrix = None
    if matrix is None or changes_nothing(matrix, offset):
        return FileGraph(activations=activations)
    names = ", ".join(dict.fromkeys(arithmetic.names))
    return FileGraph(natural_range(matrix, offset), f"it begins with {names}", activations)


def _without(shape: list[int], axis: int) -> list[int]:
    return [size for index, size in enumerate(shape) if index != axis]
