"""`to_saved_model`, `to_tflite`, `to_onnx`, `to_openvino`: export to one file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Unpack

from ..examples._cases import Images
from ..program._program import Program
from ..targets import resizable, target_named
from ._artefact import check_target, make_artefact
from ._options import Chosen, Options, choose_options
from ._report import ArtefactReport
from ._subject import subject_of

_TARGETS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "saved_model": {"float32": "saved_model"},
        "tflite": {
            "float32": "tflite",
            "float16": "tflite_float16",
            "dynamic": "tflite_dynamic",
            "int8": "tflite_int8",
            "int16x8": "tflite_int16x8",
        },
        "onnx": {"float32": "onnx", "float16": "onnx_float16", "int8": "onnx_int8"},
        "openvino": {
            "float32": "openvino",
            "float16": "openvino_float16",
            "int8": "openvino_int8",
        },
    }
)
"""Format -> precision -> name of the target."""


def to_saved_model(
    model: Any,
    path: str | Path,
    *,
    images: Images = None,
    options: Options | None = None,
    **chosen: Unpack[Chosen],
) -> ArtefactReport:
    """Write a SavedModel directory and verify it in TensorFlow.

    It has one signature, `serving_default`, with the names of the model's inputs and outputs.
    Height, width and batch stay open if the model leaves them open.

    Args:
        model: any Keras model, or the path of one, as for `export`.
        path: the directory to write. An earlier SavedModel of this package at this path is
            replaced after verification.
        images: images for verification, see `verify`.
        options, chosen: as for `export`.

    Returns:
        The artefact's report.

    Raises:
        ExportError, VerificationError, ValueError, TypeError, PermissionError: nothing was written,
            and `path` is unchanged.

    Example:
        >>> to_saved_model(model, "build/unet")  # doctest: +SKIP
    """
    return _write(model, path, "saved_model", "float32", images, choose_options(options, chosen))


def to_tflite(
    model: Any,
    path: str | Path,
    *,
    precision: str = "float32",
    images: Images = None,
    options: Options | None = None,
    **chosen: Unpack[Chosen],
) -> ArtefactReport:
    """Write a TFLite file of fixed shapes, or of open height and width, and verify it in LiteRT.

    Args:
        model: any Keras model, or the path of one, as for `export`.
        path: the file to write.
        precision: `"float32"`, `"float16"` (weights stored in half precision), `"dynamic"`
            (8-bit weights, float arithmetic), `"int8"` (8-bit weights and activations) or
            `"int16x8"` (8-bit weights, 16-bit activations).
        images: images for verification, see `verify`.
        options, chosen: as for `export`.

    Returns:
        The artefact's report.

    Raises:
        ExportError, VerificationError, ValueError, TypeError, PermissionError: nothing was written,
            and `path` is unchanged.

    Example:
        >>> to_tflite(model, "build/unet.tflite", input_shape=(256, 256, 3))  # doctest: +SKIP
    """
    return _write(model, path, "tflite", precision, images, choose_options(options, chosen))


def to_onnx(
    model: Any,
    path: str | Path,
    *,
    precision: str = "float32",
    images: Images = None,
    options: Options | None = None,
    **chosen: Unpack[Chosen],
) -> ArtefactReport:
    """Write an ONNX file and verify it in ONNX Runtime, and in OpenVINO if that is installed.

    Args:
        model: any Keras model, or the path of one, as for `export`.
        path: the file to write.
        precision: `"float32"`, `"float16"` (inputs and outputs stay float32) or `"int8"` (static
            quantisation by ONNX Runtime, in QDQ format, per channel for weights).
        images: images for verification, see `verify`.
        options, chosen: as for `export`.

    Returns:
        The artefact's report.

    Raises:
        ExportError, VerificationError, ValueError, TypeError, PermissionError: nothing was written,
            and `path` is unchanged.

    Example:
        >>> to_onnx(model, "build/unet.onnx", layout="nchw")  # doctest: +SKIP
    """
    return _write(model, path, "onnx", precision, images, choose_options(options, chosen))


def to_openvino(
    model: Any,
    path: str | Path,
    *,
    precision: str = "float32",
    images: Images = None,
    options: Options | None = None,
    **chosen: Unpack[Chosen],
) -> ArtefactReport:
    """Write OpenVINO IR, `NAME.xml` with `NAME.bin` beside it, and verify it in OpenVINO.

    It is verified in float32. On processors with bfloat16, OpenVINO computes in bfloat16 unless
    `compile_model` gets `{"INFERENCE_PRECISION_HINT": "f32"}`; the report has that error too.

    Args:
        model: any Keras model, or the path of one, as for `export`.
        path: the `.xml` file to write.
        precision: `"float32"`, `"float16"` (weights stored in half precision) or `"int8"` (the
            steps of an ONNX file of this precision, which OpenVINO takes over).
        images: images for verification, see `verify`.
        options, chosen: as for `export`.

    Returns:
        The artefact's report.

    Raises:
        ExportError, VerificationError, ValueError, TypeError, PermissionError: nothing was written,
            and `path` is unchanged.
        ModuleNotFoundError: OpenVINO is not installed.

    Example:
        >>> to_openvino(model, "build/unet.xml")  # doctest: +SKIP
    """
    if Path(path).suffix != ".xml":
        raise ValueError(f"`path` must end in .xml. Received: {str(path)!r}.")
    return _write(model, path, "openvino", precision, images, choose_options(options, chosen))


def _write(
    model: Any, path: str | Path, file_format: str, precision: str, images: Images, options: Options
) -> ArtefactReport:
    precisions = _TARGETS[file_format]
    if precision not in precisions:
        raise ValueError(
            f"`precision` must be one of {', '.join(map(repr, precisions))}. "
            f"Received: {precision!r}."
        )
    target = target_named(precisions[precision])
    if target.static and options.batch_size is None:
        options = replace(options, batch_size=1)
    if options.resizable:
        target = resizable(target)

    def check_place(program: Program) -> None:
        check_target(Path(path), target, overwrite=options.overwrite)

    subject = subject_of(model, [target], images, options, check_place)
    return make_artefact(subject, path, target, options)
