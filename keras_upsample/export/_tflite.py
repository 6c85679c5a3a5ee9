"""Model -> TFLite file."""

import re
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ..errors import ExportError
from ._calibration import Feeds
from ._debugger import partly_float
from ._interpreter import quiet_interpreter
from ._ranges import true_ranges
from ._saved_model import write_saved_model
from ._signature import Signature
from ._tflite_order import in_order

INTEGER = {
    "int8": "TFLITE_BUILTINS_INT8",
    "int16x8": "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8",
}
"""Precision of integer arithmetic -> the converter's set of operators."""


def write_tflite(
    model: Any,
    signature: Signature,
    path: Path,
    *,
    precision: str,
    allow_flex: bool,
    calibration: Feeds | None = None,
    integer_io: bool = False,
    keep_float: Sequence[str] = (),
) -> list[str]:
    """Convert through a SavedModel with a static signature.

    The converter's other entrances (`from_keras_model`, `from_concrete_functions`) leave the
    variables of a Keras 3 model uninitialised in quantised files.

    Args:
        precision: "float32", "float16", "dynamic", or one of `INTEGER`.
        calibration: feeds from which the ranges of integer activations are learnt.
        integer_io: let the file take and give integers where it computes with them.
        keep_float: layers of an "int8" file that stay in float.

    Returns:
        The names of the outputs, in order.

    Raises:
        ValueError: no operator comes from a layer of `keep_float`.
        ExportError: an operator has no TFLite built-in and `allow_flex` is false, or the converter
            gave up for another reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        outputs = write_saved_model(model, signature, Path(folder))
        if keep_float:
            content = partly_float(Path(folder), calibration or [], keep_float)
        else:
            content = converted(
                Path(folder), precision, calibration, allow_flex=allow_flex, integer_io=integer_io
            )
    inputs = [spec.name for spec in signature.inputs]
    path.write_bytes(in_order(content, inputs, outputs))
    return outputs


def converted(
    folder: Path, precision: str, calibration: Feeds | None = None, **options: Any
) -> bytes:
    """The TFLite file of a SavedModel; options as for `converter_of`.

    Raises:
        ExportError: as for `write_tflite`.
    """
    converter = converter_of(folder, precision, calibration, **options)
    # For 16 bits, ranges are learnt and used inside one function of TensorFlow's.
    ranges = true_ranges() if precision == "int8" else nullcontext()
    try:
        with quiet_interpreter(), ranges:
            return bytes(converter.convert())
    except Exception as error:  # ConverterError, and whatever the tracer raises
        raise ExportError(_explain(str(error))) from error


def converter_of(
    folder: Path,
    precision: str,
    calibration: Feeds | None = None,
    *,
    allow_flex: bool = False,
    integer_io: bool = False,
) -> Any:
    """TensorFlow's converter for a SavedModel, arguments as for `write_tflite`."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    allowed = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision in INTEGER:
        allowed = [getattr(tf.lite.OpsSet, INTEGER[precision])]
        converter.representative_dataset = lambda: iter(calibration or [])
        if integer_io:
            kind = tf.int8 if precision == "int8" else tf.int16
            converter.inference_input_type = converter.inference_output_type = kind
    if allow_flex:
        allowed.append(tf.lite.OpsSet.SELECT_TF_OPS)
    converter.target_spec.supported_ops = allowed
    return converter


def _explain(message: str) -> str:
    flex = re.search(r"(?:Flex|TF Select) ops: ([^\n]+)", message)
    custom = re.search(r"Custom ops: ([^\n]+)", message)
    ours = "Use a layer of keras_upsample in place of the one that needs it"
    if flex:
        return (
            f"TFLite has no built-in operator for {flex.group(1).strip()}. {ours}, or pass "
            "allow_flex=True for a file that runs only where TensorFlow's Select-TF operators are "
            "linked in."
        )
    if custom:
        return f"TFLite has no operator for {custom.group(1).strip()}. {ours}."
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    return f"The TFLite converter failed: {lines[0] if lines else 'without a message'}"
