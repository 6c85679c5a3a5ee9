"""The files of the small U-Nets in the browser: for test and benchmark."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import browser_runtime
from small_unets import feeds, file_of, gates, missed, unet

from keras_upsample import runtimes
from keras_upsample.export._compare import Difference, difference
from keras_upsample.targets import Gate

TARGETS_OF = {
    "onnxruntime-web": ("onnx", "onnx_float16", "onnx_int8"),
    "litert.js": ("tflite", "tflite_float16", "tflite_int8"),
}

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
        return missed(self.model, self.native)


def rows(cells: Iterable[Cell], folder: Path) -> dict[Cell, Row]:
    """The files of these cells, made in `folder`, natively and then in one browser."""
    cells = list(cells)
    files = {cell: file_of(cell[0], cell[2], folder) for cell in cells}
    jobs = [browser_runtime.Job(cell[1], files[cell], feeds(files[cell])) for cell in cells]
    answers = browser_runtime.run(jobs)
    return {
        cell: _row(cell, job, answer)
        for cell, job, answer in zip(cells, jobs, answers, strict=True)
    }


def _row(cell: Cell, job: browser_runtime.Job, answer: browser_runtime.Answer) -> Row:
    if answer.error:
        return Row(answer.error)
    technique, _, name = cell
    expected = unet(technique)[1]
    native = runtimes.load(job.model)(job.inputs)
    wanted = dict.fromkeys(native, expected)  # there is one output
    by_model, by_native = gates(technique, name)
    return Row(
        model=difference("against the Keras model", answer.outputs, wanted, by_model),
        native=difference("against the native runtime", answer.outputs, native, by_native),
        native_model=difference("native", native, wanted, Gate()),
    )
