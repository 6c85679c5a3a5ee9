"""Networks in the engines of GPUs, against the Keras model: for test and matrix."""

import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import browser_runtime
import numpy as np
from gpu_nets import NETS, net
from small_unets import missed, written

from keras_upsample import runtimes
from keras_upsample.errors import ArtefactError, first_line
from keras_upsample.export._compare import Difference, difference
from keras_upsample.export._reference import Reference
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.runtimes._load import absence
from keras_upsample.targets import TARGETS

HALF_DRIVER = "KERAS_UPSAMPLE_HALF_DRIVER"
"""Variable: the Vulkan ICD file of a driver that computes in half precision, e.g. lavapipe's."""


@dataclass(frozen=True)
class Column:
    """An engine and the file that it runs.

    Attributes:
        target: whose file.
        runtime: of `keras_upsample.runtimes`, or of `browser_runtime`.
        half: whether the engine computes in half precision: it runs on the driver HALF_DRIVER, and
            the gate is the one of float16 files.
        may_refuse: whether a refusal is no failure: the file was not made for the engine.
        quick: network that is tried in the fast suite.
    """

    target: str
    runtime: str
    half: bool = False
    may_refuse: bool = False
    quick: str = ""

    @property
    def in_browser(self) -> bool:
        """Whether it runs in a browser."""
        return self.runtime.endswith(" WebGPU")


COLUMNS = {
    "LiteRT GPU": Column("litert_gpu", "litert_gpu", quick="max_unpooling"),
    "LiteRT GPU, `tflite`": Column("tflite", "litert_gpu", may_refuse=True, quick="dysample"),
    "LiteRT GPU, half": Column("litert_gpu", "litert_gpu_float16", half=True, quick="bilinear"),
    "LiteRT.js WebGPU": Column("litert_gpu", "litert.js WebGPU", quick="bicubic"),
    "ONNX Runtime WebGPU": Column("onnx", "onnxruntime_webgpu", quick="nearest"),
    "ONNX Runtime WebGPU, half": Column("onnx_float16", "onnxruntime_webgpu", half=True),
    "onnxruntime-web WebGPU": Column("onnx", "onnxruntime-web WebGPU", quick="bilinear"),
}
Cell = tuple[str, str]  # network, column
CELLS: tuple[Cell, ...] = tuple((name, column) for column in COLUMNS for name in NETS)


@dataclass(frozen=True)
class Row:
    """One network in one engine.

    Attributes:
        found: against the Keras model; None where the engine refused the file.
        refused: the engine's words.
        left: operators that ran on the processor, where the engine tells.
        device: name of the engine and of its device.
    """

    found: Difference | None
    refused: str = ""
    left: str = ""
    device: str = ""

    @property
    def failure(self) -> str:
        """Which gate was missed, and by what; or empty."""
        return self.refused or missed(self.found)


def absent(column: Column) -> str:
    """Why an engine can't run here, or empty."""
    if column.in_browser:
        if reason := browser_runtime.available():
            return reason
        return "" if browser_runtime.adapter() else "Chromium has no WebGPU adapter"
    if reason := absence(column.runtime):
        return reason
    if column.half:
        return _no_half()
    return ""


@cache
def _no_half() -> str:
    """Why nothing here computes in half precision, or empty: 3e4 + 3e4 is not finite then."""
    if not os.environ.get(HALF_DRIVER):
        return f"{HALF_DRIVER} names no driver that computes in half precision"
    import keras

    image = keras.Input((4, 4, 1), name="image")
    doubled = keras.Model(image, keras.layers.Add()([image, image]))
    with TemporaryDirectory() as folder, _half_driver():
        path = written(doubled, "doubled", "litert_gpu", Path(folder))
        runner = runtimes.load(path, runtime="litert_gpu_float16", trust=True)
        (y,) = runner({"image": np.full((1, 4, 4, 1), 4e4, "float32")}).values()
    return "" if np.isinf(y).all() else f"the driver of {HALF_DRIVER} computes in float32"


@contextmanager
def _half_driver():
    with patch.dict(os.environ, {"VK_ICD_FILENAMES": os.environ[HALF_DRIVER]}):
        yield


class Files:
    """Files, each made once, and what the engines make of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[tuple[str, str], Path] = {}

    def path(self, name: str, target: str) -> Path:
        """The file of a network for a target."""
        if (name, target) not in self._paths:
            label = "".join(letter if letter.isalnum() else "_" for letter in name)
            self._paths[name, target] = written(net(name)[0], label, target, self._folder)
        return self._paths[name, target]

    def row(self, cell: Cell) -> Row:
        """Run one network in one engine."""
        name, column = cell[0], COLUMNS[cell[1]]
        path = self.path(name, column.target)
        model, image, expected = net(name)
        target = TARGETS["tflite_float16" if column.half else column.target]
        gate = Reference(program_of(model, signature_of(model))).gate(target.gate)
        run: Callable[[Path, np.ndarray], tuple[dict[str, np.ndarray], str, str]]
        run = _in_browser(column.runtime) if column.in_browser else _natively(column)
        try:
            outputs, left, device = run(path, image)
        except ArtefactError as error:
            return Row(None, first_line(error).partition(": ")[2])
        (y,) = outputs.values()
        case = "against the Keras model"
        return Row(difference(case, {"y": y}, {"y": expected}, gate), "", left, device)


def _natively(column: Column):
    def run(path: Path, image: np.ndarray) -> tuple[dict[str, np.ndarray], str, str]:
        runner = runtimes.load(path, runtime=column.runtime, trust=True)
        outputs = runner({runner.inputs[0].name: image})
        left = getattr(runner, "left", {})
        return outputs, ", ".join(f"{kind} {count}" for kind, count in left.items()), runner.runtime

    def with_half_driver(path: Path, image: np.ndarray):
        with _half_driver():
            return run(path, image)

    return with_half_driver if column.half else run


def _in_browser(runtime: str):
    def run(path: Path, image: np.ndarray) -> tuple[dict[str, np.ndarray], str, str]:
        name = runtimes.load(path, trust=True).inputs[0].name
        (answer,) = browser_runtime.run([browser_runtime.Job(runtime, path, {name: image})])
        if answer.error:
            raise ArtefactError(f"{path.name}: {answer.error}")
        return answer.outputs, "some operators" if answer.partly else "", runtime

    return run


def figure(row: Row) -> str:
    """The largest error as a share of the output's range, or why there is none."""
    if row.found is None:
        return f"refused: {row.refused}"
    text = f"{row.found.max_error:.1e}"
    if row.found.within < 1:
        text += f", {row.found.within:.1%} within"
    return text + (f" (processor: {row.left})" if row.left else "")
