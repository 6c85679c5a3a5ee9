"""Conversion of a program to a target's file."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..program._program import Program
from ..quantization._feeds import Feeds, amplify
from ..targets import Target
from ._inside import Inside
from ._onnx import LAYOUTS, OPSETS, write_onnx
from ._onnx_precision import to_float16, to_int8
from ._openvino import write_openvino
from ._saved_model import write_saved_model
from ._target_model import model_for_target
from ._tflite import write_tflite
from ._tflite_converter import FLOAT_IO, IO


@dataclass(frozen=True)
class FileOptions:
    """What may be chosen for a file beyond its target.

    Attributes:
        allow_flex: of TFLite files: take TensorFlow's operators where TFLite has none.
        opset: of ONNX files.
        layout: of ONNX and OpenVINO files, of the inputs and outputs that are images: "nhwc" or
            "nchw".
        integer_io: of integer TFLite files: inputs and outputs are integers too.
        keep_float: layers that an 8-bit file computes in float.
        weight_bits: of files whose target has several; None takes its first.
    """

    allow_flex: bool = False
    opset: int = OPSETS[-1]
    layout: str = "nhwc"
    integer_io: bool = False
    keep_float: Sequence[str] = ()
    weight_bits: int | None = None

    def __post_init__(self) -> None:
        if self.opset not in OPSETS:
            raise ValueError(
                f"`opset` must be an integer from {OPSETS[0]} to {OPSETS[-1]}. "
                f"Received: {self.opset!r}."
            )
        names = self.keep_float
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"`keep_float` must be a list of names of layers. Received: {names!r}.")
        object.__setattr__(self, "keep_float", tuple(names))
        if self.weight_bits not in (None, 7, 8):
            raise ValueError(f"`weight_bits` must be 7 or 8. Received: {self.weight_bits!r}.")
        if self.layout not in LAYOUTS:
            raise ValueError(
                f"`layout` must be one of {', '.join(map(repr, LAYOUTS))}. "
                f"Received: {self.layout!r}."
            )


def convert(
    program: Program,
    path: Path,
    target: Target,
    options: FileOptions,
    calibration: Feeds | None = None,
    inside: Inside | None = None,
) -> list[str]:
    """Write one artefact, not verified.

    Args:
        program: what is written, at the target's sizes.
        path: of the file or folder.
        target: what is written for.
        options: those that the target has.
        calibration: where activations are integers, what their ranges are learnt from.
        inside: what the file does to pixels itself; None where nothing.

    Returns:
        The names of its outputs, in order.
    """
    signature = program.signature
    if inside is not None:
        integers = target.format == "tflite" and target.precision == "int8"
        signature = inside.signature(signature, integers=integers)
        calibration = calibration and inside.calibration(calibration, integers=integers)
    with model_for_target(program.model, target) as own:
        if target.format == "saved_model":
            return write_saved_model(own, signature, path)
        if target.format == "tflite":
            return write_tflite(
                own,
                signature,
                path,
                precision=target.precision,
                allow_flex=options.allow_flex,
                calibration=amplify(calibration or [], target.headroom),
                io=_io(options, target, inside),
                keep_float=options.keep_float,
                pixels=tuple(inside.outputs) if inside is not None else (),
            )
        with ExitStack() as stack:
            graph = path
            if target.format == "openvino":
                # beside: what is large may not fit where the system keeps temporary files
                folder = stack.enter_context(TemporaryDirectory(dir=path.parent))
                graph = Path(folder) / "model.onnx"
            outputs = write_onnx(own, signature, graph, opset=options.opset, layout=options.layout)
            if target.precision == "int8":
                to_int8(
                    graph,
                    calibration or [],
                    options.layout,
                    options.keep_float,
                    target.bits(options.weight_bits),
                )
            half = target.precision == "float16"
            if target.format == "openvino":
                write_openvino(graph, path, outputs, half=half)
            elif half:
                to_float16(graph)
        return outputs


def _io(options: FileOptions, target: Target, inside: Inside | None) -> IO:
    """Dtypes of what a TFLite file takes and gives instead of floats."""
    whole = options.integer_io or target.integer_io
    kind = {"int8": "int8", "int16x8": "int16"}.get(target.precision, "float32")
    if inside is not None and kind == "int8":
        # 8-bit pixels are unsigned, as MediaPipe, the Edge TPU's samples and cameras have them.
        return "uint8", "uint8" if whole or inside.outputs else "float32"
    return (kind, kind) if whole else FLOAT_IO
