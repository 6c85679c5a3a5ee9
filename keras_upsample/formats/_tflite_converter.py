"""TensorFlow's converter from a SavedModel to a TFLite file."""

import re
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .._others import _litert, _tf_lite
from ..errors import ExportError
from ..program._input_shape import Shape
from ..quantization._feeds import Feeds
from ..quantization._ranges import true_ranges
from ._advice import advice
from ._tflite_bias import with_full_biases
from ._tflite_shapes import with_usual_sizes
from ._tflite_steps import float_kernels, with_fitting_steps

INTEGER = {
    "int8": "TFLITE_BUILTINS_INT8",
    "int16x8": "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8",
}
"""Precision of integer arithmetic -> the converter's set of operators."""

IO = tuple[str, str]
FLOAT_IO: IO = ("float32", "float32")
NO_SIZES: Mapping[str, Shape] = MappingProxyType({})


def convert_saved_model(
    folder: Path, precision: str, calibration: Feeds | None = None, **options: Any
) -> bytes:
    """The TFLite file of a SavedModel; options as for `converter_of`.

    Raises:
        ExportError: as for `write_tflite`.
    """
    kernels: dict[str, Any] = {}
    converter = converter_of(folder, precision, calibration, kernels=kernels, **options)
    # For 16 bits, ranges are learnt and used inside one function of TensorFlow's.
    ranges = true_ranges() if precision == "int8" else nullcontext()
    try:
        with _tf_lite.quiet_interpreter(), ranges:
            content = _tf_lite.converted(converter)
    except ExportError:
        raise
    except Exception as error:  # ConverterError, and whatever the tracer raises
        raise ExportError(_explain(str(error))) from error
    return with_fitting_steps(content, kernels) if kernels else content


def converter_of(
    folder: Path,
    precision: str,
    calibration: Feeds | None = None,
    *,
    allow_flex: bool = False,
    io: IO = FLOAT_IO,
    sizes: Mapping[str, Shape] = NO_SIZES,
    kernels: dict[str, Any] | None = None,
) -> Any:
    """TensorFlow's converter for a SavedModel, arguments as for `write_tflite`.

    Args:
        sizes: shapes of inputs of open sizes, at which ranges are learnt.
        kernels: with 16-bit activations, gets the weights before they are rounded.
    """
    import tensorflow as tf

    converter = _tf_lite.converter(folder)
    if precision != "float32":
        converter.optimizations = [_tf_lite.default_optimization()]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    allowed = [_tf_lite.operator_set("TFLITE_BUILTINS")]
    if precision in INTEGER:
        allowed = [_tf_lite.operator_set(INTEGER[precision])]
        converter.representative_dataset = lambda: iter(calibration or [])
        converter.inference_input_type, converter.inference_output_type = map(tf.as_dtype, io)
    if allow_flex:
        allowed.append(_tf_lite.operator_set("SELECT_TF_OPS"))
    converter.target_spec.supported_ops = allowed

    def prepared(content: bytes) -> bytes:
        if precision in INTEGER:
            _check_no_loops(content)
            content = with_usual_sizes(content, sizes) if sizes else content
        # Beside 8-bit activations the error of the weights counts little.
        if kernels is not None and precision == "int16x8":
            kernels.update(float_kernels(content))
        return with_full_biases(content, own=precision == "int16x8")

    _tf_lite.prepare_before_quantising(converter, prepared)
    return converter


def _check_no_loops(content: bytes) -> None:
    """TensorFlow's calibrator crashes the process on a loop or a branch.

    Raises:
        ExportError: the file has one.
    """
    schema = _litert.schema()
    graphs = schema.Model.GetRootAs(content, 0).SubgraphsLength()
    if graphs > 1:
        raise ExportError(
            "TFLite's quantiser can't learn ranges inside of loops and branches (WHILE, IF), as "
            "recurrent layers have them. Build these layers with `unroll=True`, or take "
            'precision="dynamic" or "float16", or ONNX.'
        )


def _explain(message: str) -> str:
    flex = re.search(r"(?:Flex|TF Select) ops: ([^\n]+)", message)
    custom = re.search(r"Custom ops: ([^\n]+)", message)
    if flex:
        names = flex.group(1).strip()
        return (
            f"TFLite has no built-in operator for {names}. {advice(names.split(', '))} With "
            "allow_flex=True the file runs only where TensorFlow's Select-TF operators are linked "
            "in."
        )
    if custom:
        names = custom.group(1).strip()
        return f"TFLite has no operator for {names}. {advice(names.split(', '))}"
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    return f"The TFLite converter failed: {lines[0] if lines else 'without a message'}"
