"""Writing of `Metadata` into a converted file."""

from pathlib import Path
from typing import Any

from ._facts import Metadata
from ._onnx import write_onnx
from ._openvino import write_openvino
from ._saved_model import write_saved_model
from ._tflite import write_tflite

_WRITERS: dict[str, Any] = {
    "saved_model": write_saved_model,
    "tflite": write_tflite,
    "onnx": write_onnx,
    "openvino": write_openvino,
}
"""Format -> how."""


def record(path: Path, file_format: str, metadata: Metadata) -> None:
    """Let the file carry the metadata."""
    _WRITERS[file_format](path, metadata)
