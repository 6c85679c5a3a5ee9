"""Helpers of the exporters' tests: small inputs, and artefacts compared without the gates."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from compare import assert_close

from keras_upsample import export, runtimes

FORMATS = ("saved_model", "tflite", "onnx")
OF_RANGE = 5e-5


def noise(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, "float32")


def picture(height: int = 24, width: int = 20, channels: int = 3) -> list[np.ndarray]:
    """One image, as `images=` takes it; smaller than the default ones, so quicker."""
    return [noise(height, width, channels)]


def write(model: Any, folder: Path, kind: str, **options: Any) -> Path:
    """One artefact; `kind` is a name of `FORMATS`. Shown a picture, if the model takes any."""
    path = folder / {"saved_model": "saved", "tflite": "m.tflite", "onnx": "m.onnx"}[kind]
    ranks = [len(tensor.shape) for tensor in getattr(model, "inputs", None) or ()]
    if not ranks or {4, 5} & set(ranks):
        options.setdefault("images", picture())
    getattr(export, f"to_{kind}")(model, path, **options)
    return path


def answers(
    artefact: Any, feeds: dict[str, np.ndarray], runtime: str | None = None
) -> dict[str, np.ndarray]:
    """Of a path, or of a runner where several questions are put to one artefact."""
    if isinstance(artefact, Path):
        artefact = runtimes.load(artefact, runtime=runtime)
    return artefact(feeds)


def assert_same(
    artefact: Any,
    feeds: dict[str, np.ndarray],
    expected: dict[str, Any],
    of_range: float = OF_RANGE,
    dtype: str = "float32",
    runtime: str | None = None,
) -> None:
    """The artefact gives these outputs, by name."""
    actual = answers(artefact, feeds, runtime)
    assert sorted(actual) == sorted(expected)
    for name, wanted in expected.items():
        assert_close(actual[name], np.asarray(wanted), of_range=of_range, dtype=dtype)


def distinctive(model: Any, seed: int = 5) -> Any:
    """Weights that no initialiser gives, so that an artefact with others can't pass."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        values = rng.uniform(0.2, 0.9, weight.shape)
        if "variance" not in weight.path:
            values = values * rng.choice([-1, 1], weight.shape)
        weight.assign(values / max(1, np.prod(weight.shape[:-1]) ** 0.5 / 2))
    return model


def convolution(filters: int = 4, **options: Any) -> Any:
    return keras.layers.Conv2D(filters, 3, padding="same", **options)
