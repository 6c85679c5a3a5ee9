"""A small U-Net with each upsampler, exported and run in the browser: for test and benchmark."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import browser_runtime
import numpy as np

from keras_upsample import data, runtimes, zoo
from keras_upsample.export._artefact import Options, convert
from keras_upsample.export._compare import Difference, difference
from keras_upsample.export._prepared import prepared
from keras_upsample.export._reference import Reference
from keras_upsample.export._signature import signature_of
from keras_upsample.export.targets import TARGETS, Gate

TARGETS_OF = {
    "onnxruntime-web": ("onnx", "onnx_float16", "onnx_int8"),
    "litert.js": ("tflite", "tflite_float16", "tflite_int8"),
}
SHAPE = (64, 64, 3)
SEED = 0

# Integer files may round a tie the other way in another runtime, and no more than the files
# themselves may lose.
INTEGER_GATE = Gate(min_snr_db=30.0)

Cell = tuple[str, str, str]  # technique, runtime, target


@dataclass(frozen=True)
class Row:
    """One file in the browser.

    Attributes:
        error: why it does not run there, or empty; the rest is set only if it does.
        model: the browser against the Keras model, by the target's gate if that is a float one:
            what 8 bits lose is no matter of the browser.
        native: the browser against the native runtime, by the same gate, or 30 dB.
        native_model: the native runtime against the Keras model, for comparison.
    """

    error: str = ""
    model: Difference | None = None
    native: Difference | None = None
    native_model: Difference | None = None

    @property
    def failure(self) -> str:
        """Which gate was missed, and by what; or empty."""
        failed = [d for d in (self.model, self.native) if d and d.failure]
        return "; ".join(f"{d.case}: {d.failure}" for d in failed)


def rows(cells: Iterable[Cell], folder: Path) -> dict[Cell, Row]:
    """The files of these cells, made in `folder`, natively and then in one browser."""
    cells = list(cells)
    files = {cell: _file(cell, folder) for cell in cells}
    jobs = [browser_runtime.Job(cell[1], files[cell], _feeds(files[cell])) for cell in cells]
    answers = browser_runtime.run(jobs)
    return {
        cell: _row(cell, job, answer)
        for cell, job, answer in zip(cells, jobs, answers, strict=True)
    }


def _image() -> np.ndarray:
    return data.photograph("coffee", SHAPE[:2])[None] / np.float32(255)


@cache
def _model(technique: str) -> tuple[Any, np.ndarray]:
    """The model and its own answer."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = zoo.unet(SHAPE, 3, filters=(8, 16, 32), upsample=technique)
    return model, keras.ops.convert_to_numpy(model(_image(), training=False))


def _file(cell: Cell, folder: Path) -> Path:
    """Not verified: integer files of networks with random weights may miss the exporters' gate."""
    technique, _, name = cell
    model, target = _model(technique)[0], TARGETS[name]
    signature = signature_of(model)
    if target.static:
        signature = signature.fixed()
    ready = prepared(model, signature, target, None, lower=True)
    path = folder / f"{technique}_{name}{target.suffix}"
    convert(ready.low.model, ready.signature, path, target, Options(), ready.feeds)
    return path


def _feeds(path: Path) -> dict[str, np.ndarray]:
    return {runtimes.load(path).inputs[0].name: _image()}


def _row(cell: Cell, job: browser_runtime.Job, answer: browser_runtime.Answer) -> Row:
    if answer.error:
        return Row(answer.error)
    technique, _, name = cell
    model, expected = _model(technique)
    native = runtimes.load(job.model)(job.inputs)
    wanted = dict.fromkeys(native, expected)  # there is one output
    gate = Reference(model, signature_of(model)).gate(TARGETS[name].gate)
    integer = TARGETS[name].calibrated
    against_model = Gate() if integer else gate
    return Row(
        model=difference("against the Keras model", answer.outputs, wanted, against_model),
        native=difference(
            "against the native runtime",
            answer.outputs,
            native,
            INTEGER_GATE if integer else gate,
        ),
        native_model=difference("native", native, wanted, Gate()),
    )
