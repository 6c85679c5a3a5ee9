"""The files of the small U-Nets, in every runtime that takes them: for test and matrix."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from places import PLACES
from small_unets import file_of, gates, image, missed, unet

from keras_upsample.export._compare import Difference, difference
from keras_upsample.targets import TARGETS
from keras_upsample.zoo._upsamplers import UPSAMPLERS

_ONNX = ("ONNX-Runtime-CPU", "ONNX-Runtime-CUDA", "ONNX-Runtime-WebGPU", "OpenVINO-CPU")
# Few drivers of WebGPU have half precision; `gpu_cells` runs these files on one that has.
_ONNX_FLOAT16 = tuple(place for place in _ONNX if place != "ONNX-Runtime-WebGPU")

# target -> the places that take its files; the first is the runtime that they are for.
PLACES_OF = {
    "saved_model": ("TensorFlow-CPU", "TensorFlow-GPU"),
    "tflite": ("LiteRT-CPU-XNNPACK", "LiteRT-CPU-reference", "LiteRT-GPU", "TFLM"),
    "tflite_float16": ("LiteRT-CPU-XNNPACK", "LiteRT-CPU-reference", "LiteRT-GPU"),
    "tflite_dynamic": ("LiteRT-CPU-XNNPACK", "LiteRT-CPU-reference", "LiteRT-GPU"),
    "tflite_int8": ("LiteRT-CPU-XNNPACK", "LiteRT-CPU-reference", "LiteRT-GPU", "TFLM"),
    "tflite_int16x8": ("LiteRT-CPU-XNNPACK", "LiteRT-CPU-reference", "TFLM"),
    "onnx": _ONNX,
    "onnx_float16": _ONNX_FLOAT16,
    "onnx_int8": _ONNX,
    "openvino": ("OpenVINO-IR",),
    "openvino_float16": ("OpenVINO-IR",),
    "openvino_int8": ("OpenVINO-IR",),
}

Cell = tuple[str, str, str]  # technique, target, place

CELLS: tuple[Cell, ...] = tuple(
    (technique, target, place)
    for technique in UPSAMPLERS
    for target, places in PLACES_OF.items()
    for place in places
)


@dataclass(frozen=True)
class Row:
    """One file in one place.

    Attributes:
        model: against the Keras model.
        native: against the runtime that the file is for; None for that itself.
    """

    model: Difference
    native: Difference | None

    @property
    def failure(self) -> str:
        """Which gate was missed, and by what; or empty."""
        return missed(self.model, self.native)


class Files:
    """Files, and the answers of the places, each made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[tuple[str, str], Path | Exception] = {}
        self._answers: dict[Cell, np.ndarray] = {}

    def path(self, technique: str, target: str) -> Path:
        """Raises what the conversion raised."""
        key = technique, target
        if key not in self._paths:
            try:
                self._paths[key] = file_of(technique, target, self._folder)
            except Exception as error:  # no file: the same error for every place
                self._paths[key] = error
        found = self._paths[key]
        if isinstance(found, Exception):
            raise found
        return found

    def answer(self, cell: Cell) -> np.ndarray:
        """The output, in channels-last layout."""
        technique, target, place = cell
        if cell not in self._answers:
            _, run, _ = PLACES[place]
            self._answers[cell] = run(self.path(technique, target), image())
        return self._answers[cell]

    def row(self, cell: Cell) -> Row:
        """A place against the model and the file's own runtime; whatever goes wrong is raised."""
        technique, target, place = cell
        expected = {"y": unet(technique)[1]}
        by_model, by_native = gates(technique, target)
        given = {"y": self.answer(cell)}
        home = PLACES_OF[target][0]
        native = None
        if place != home:
            wanted = {"y": self.answer((technique, target, home))}
            native = difference(f"against {home}", given, wanted, by_native)
        return Row(difference("against the Keras model", given, expected, by_model), native)


def figure(target: str, found: Difference) -> str:
    """dB of integers, largest error of floats as a share of the output's range."""
    if TARGETS[target].calibrated:
        return f"{found.snr_db:.1f} dB"
    text = f"{found.max_error:.1e}"
    return text if found.within == 1 else f"{text}, {found.within:.1%} within"
