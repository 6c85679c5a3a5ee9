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
    "onnxruntime-web WebGPU": ("onnx", "onnx_float16", "onnx_int8"),
    "litert.js": ("tflite", "tflite_float16", "tflite_int8"),
    "litert.js WebGPU": ("litert_gpu", "tflite_float16", "tflite_int8"),
}

Cell = tuple[str, str, str]  # technique, runtime, target


@dataclass(frozen=True)
class Row:
    """One file in the browser.

    Attributes:
        error: why it does not run there, or empty; the rest is set only if it does.
        partly: whether operators that the GPU does not take ran on WASM.
        model: the browser against the Keras model, by the target's gate if that is a float one:
            what 8 bits lose is no matter of the browser.
        native: the browser against the native runtime, by the same gate, or 30 dB.
        native_model: the native runtime against the Keras model, for comparison.
    """

    error: str = ""
    partly: bool = False
    model: Difference | None = None
    native: Difference | None = None
    native_model: Difference | None = None

    @property
    def failure(self) -> str:
        """Which gate was missed, and by what; or empty."""
        return missed(self.model, self.native)


def absence(cell: Cell) -> str:
    """Why a cell can't run in this browser, or empty."""
    _, runtime, name = cell
    if not runtime.endswith("WebGPU"):
        return ""
    adapter = browser_runtime.adapter()
    if adapter is None:
        return "the browser has no WebGPU adapter"
    # LiteRT.js computes such a file in float32.
    if name == "onnx_float16" and not adapter.half:
        return f"the WebGPU adapter ({adapter.name}) has no shader-f16"
    return ""


def rows(cells: Iterable[Cell], folder: Path) -> dict[Cell, Row]:
    """The files of these cells, made in `folder`, natively and then in one browser."""
    found = {cell: Row(absence(cell)) for cell in cells}
    here = [cell for cell, row in found.items() if not row.error]
    pairs = dict.fromkeys((technique, name) for technique, _, name in here)
    files = {pair: file_of(*pair, folder) for pair in pairs}
    jobs = [
        browser_runtime.Job(runtime, file, feeds(file))
        for technique, runtime, name in here
        for file in [files[technique, name]]
    ]
    for cell, job, answer in zip(here, jobs, browser_runtime.run(jobs), strict=True):
        found[cell] = _row(cell, job, answer)
    return found


def _row(cell: Cell, job: browser_runtime.Job, answer: browser_runtime.Answer) -> Row:
    if answer.error:
        return Row(answer.error)
    technique, _, name = cell
    expected = unet(technique)[1]
    native = runtimes.load(job.model)(job.inputs)
    wanted = dict.fromkeys(native, expected)  # there is one output
    by_model, by_native = gates(technique, name)
    return Row(
        partly=answer.partly,
        model=difference("against the Keras model", answer.outputs, wanted, by_model),
        native=difference("against the native runtime", answer.outputs, native, by_native),
        native_model=difference("native", native, wanted, Gate()),
    )
