"""ONNX file -> OpenVINO IR."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .._others._openvino import openvino
from ..errors import ExportError
from ..files._openvino_ir import values_path
from ..files._plain_path import plain_path


def write_openvino(graph: Path, path: Path, outputs: Sequence[str], *, half: bool) -> None:
    """Convert an ONNX file of ours by OpenVINO.

    `openvino.convert_model` does the same, and reports each use to its maker where the user has
    agreed to that once.

    Args:
        graph: the ONNX file.
        path: `NAME.xml`, beside which `NAME.bin` is written.
        outputs: names of the outputs, in order. OpenVINO keeps all names of a tensor; each output
            gets its own alone.
        half: whether weights are stored in half precision. They are computed with in float32.

    Raises:
        ExportError: OpenVINO has no form of an operator.
    """
    ov = openvino()

    with plain_path(graph) as plain:
        try:
            model = ov.Core().read_model(str(plain))
        except Exception as error:  # its errors end with the reason
            reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            raise ExportError(f"The model has no form in OpenVINO: {reason[0]}") from error
    for port, name in zip(model.outputs, outputs, strict=True):
        port.get_tensor().set_names({name})
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, plain_path(Path(folder)) as plain:
        ov.save_model(model, str(plain / "model.xml"), compress_to_fp16=half)
        for place in (path, values_path(path)):
            shutil.move(Path(folder) / f"model{place.suffix}", place)
