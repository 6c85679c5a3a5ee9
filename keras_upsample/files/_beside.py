"""Files of values beside the file of a graph."""

from pathlib import Path

from . import _openvino_ir
from ._onnx_file import data_files


def values_beside(path: Path) -> list[Path]:
    """The files of values beside an ONNX or OpenVINO file of this package.

    Raises:
        OSError: the file can't be read.
    """
    if path.suffix.lower() == _openvino_ir.SUFFIX:
        values = _openvino_ir.values_path(path)
        return [values] if values.is_file() else []
    return data_files(path)
