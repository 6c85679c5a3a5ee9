"""The graph of a file, whoever wrote it: what its preprocessing and its last activations say."""

from pathlib import Path
from typing import Any

import numpy as np

from . import _onnx, _tflite
from ._facts import Door
from ._preprocessing import Preprocessing, door_of
from ._tensorflow import facts_of_function


def facts_of_runner(runner: Any, channels: int | None, axis: int) -> tuple[Door, dict[str, str]]:
    """What the file of a runner says of its first input, and of its outputs by name.

    Args:
        runner: of an `.onnx` or `.tflite` file, or a SavedModel; its first input is the picture.
            Of what has no file nothing is known.
        channels: of the picture.
        axis: on which they lie, 1 or 3.
    """
    if hasattr(runner, "function"):
        return _of_saved_model(runner)
    path, picture = Path(getattr(runner, "path", None) or ""), runner.inputs[0]
    reader = {".onnx": _onnx.read, ".tflite": _tflite.read}.get(path.suffix)
    if reader is None:
        return Door(), {}
    try:
        found, activations = reader(path, picture.name)
    except Exception:  # damaged in a way that its runtime does not mind
        return Door(), {}
    if isinstance(found, Door):
        return found, activations
    if channels is None or len(picture.shape) != 4:
        return Door(), activations
    return _door(found, picture, channels, axis), activations


def _of_saved_model(runner: Any) -> tuple[Door, dict[str, str]]:
    names = [info.name for info in runner.outputs]
    found = facts_of_function(runner.function, [runner.inputs[0].name], names)
    door = found.doors[0] if found.doors else Door()
    return door, dict(zip(names, found.activations, strict=False))


def _door(found: Preprocessing, picture: Any, channels: int, axis: int) -> Door:
    sizes = [size for place, size in enumerate(picture.shape) if place != axis]

    def run(images: np.ndarray) -> np.ndarray:
        """The same with the channels last, on whichever axis the file leaves them."""
        result = found.run(np.moveaxis(images, -1, axis))
        place = next(a for a in (axis, 4 - axis) if result.shape[a] == channels)
        return np.moveaxis(result, place, -1)

    try:
        last = Preprocessing(dict.fromkeys(found.names), run)
        return door_of(last, [*sizes, channels], picture.dtype)
    except Exception:  # operators that do not run on a constant image
        return Door()
