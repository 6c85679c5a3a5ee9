"""Model -> TFLite file."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import ExportError
from ..program._input_shape import Shape, fixed
from ..program._signature import Signature
from ._advice import advice
from ._calibration import Feeds
from ._debugger import partly_float
from ._error_functions import error_functions_replaced, lacks_error_function
from ._interpreter import quiet_interpreter
from ._ranges import true_ranges
from ._saved_model import write_saved_model
from ._tflite_bias import with_full_biases
from ._tflite_order import in_order
from ._tflite_shapes import with_usual_sizes

INTEGER = {
    "int8": "TFLITE_BUILTINS_INT8",
    "int16x8": "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8",
}
"""Precision of integer arithmetic -> the converter's set of operators."""

IO = tuple[str, str]
FLOAT_IO: IO = ("float32", "float32")
NO_SIZES: Mapping[str, Shape] = MappingProxyType({})


def write_tflite(
    model: Any,
    signature: Signature,
    path: Path,
    *,
    precision: str,
    allow_flex: bool,
    calibration: Feeds | None = None,
    io: IO = FLOAT_IO,
    keep_float: Sequence[str] = (),
    pixels: Sequence[str] = (),
) -> list[str]:
    """Convert through a SavedModel with a signature of fixed shapes, or of open heights and widths.

    The converter's other entrances (`from_keras_model`, `from_concrete_functions`) leave the
    variables of a Keras 3 model uninitialised in quantised files.

    Args:
        precision: "float32", "float16", "dynamic", or one of `INTEGER`.
        calibration: feeds from which the ranges of integer activations are learnt.
        io: of a file that computes with integers: dtypes of what it takes and gives.
        keep_float: layers of an "int8" file that stay in float.
        pixels: outputs of dtype uint8 whose integers are the numbers themselves, 0 to 255.

    Returns:
        The names of the outputs, in order.

    Raises:
        ValueError: no operator comes from a layer of `keep_float`.
        ExportError: an operator has no TFLite built-in and `allow_flex` is false, or the converter
            gave up for another reason.
    """
    sizes = {s.name: fixed(s, 1).shape for s in signature.inputs if None in s.shape}

    def once() -> tuple[list[str], bytes]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            names = write_saved_model(model, signature, folder)
            if keep_float:
                return names, partly_float(folder, calibration or [], keep_float, sizes)
            return names, converted(
                folder, precision, calibration, allow_flex=allow_flex, io=io, sizes=sizes
            )

    try:
        outputs, content = once()
    except ExportError as error:
        if not lacks_error_function(str(error)):
            raise
        with error_functions_replaced():
            outputs, content = once()
    if sizes:
        content = with_usual_sizes(content, sizes)
    if pixels and io[1] == "uint8":
        content = with_whole_numbers(content, pixels)
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
    except ExportError:
        raise
    except Exception as error:  # ConverterError, and whatever the tracer raises
        raise ExportError(_explain(str(error))) from error


def converter_of(
    folder: Path,
    precision: str,
    calibration: Feeds | None = None,
    *,
    allow_flex: bool = False,
    io: IO = FLOAT_IO,
    sizes: Mapping[str, Shape] = NO_SIZES,
) -> Any:
    """TensorFlow's converter for a SavedModel, arguments as for `write_tflite`.

    Args:
        sizes: shapes of inputs of open sizes, at which ranges are learnt.
    """
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
        converter.inference_input_type, converter.inference_output_type = map(tf.as_dtype, io)
    if allow_flex:
        allowed.append(tf.lite.OpsSet.SELECT_TF_OPS)
    converter.target_spec.supported_ops = allowed
    optimize = converter._optimize_tflite_model

    # It takes the file of floats, before ranges are learnt from it.
    def prepared(content: bytes, *args: Any, **options: Any) -> bytes:
        if precision in INTEGER:
            _check_no_loops(content)
            content = with_usual_sizes(content, sizes) if sizes else content
        return optimize(with_full_biases(content, own=precision == "int16x8"), *args, **options)

    converter._optimize_tflite_model = prepared
    return converter


def _check_no_loops(content: bytes) -> None:
    """TensorFlow's calibrator crashes the process on a loop or a branch.

    Raises:
        ExportError: the file has one.
    """
    from ai_edge_litert import schema_py_generated as schema

    graphs = schema.Model.GetRootAs(content, 0).SubgraphsLength()
    if graphs > 1:
        raise ExportError(
            "TFLite's quantiser can't learn ranges inside of loops and branches (WHILE, IF), as "
            "recurrent layers have them. Build these layers with `unroll=True`, or take "
            'precision="dynamic" or "float16", or ONNX.'
        )


def with_whole_numbers(content: bytes, outputs: Sequence[str]) -> bytes:
    """A file some of whose uint8 outputs have the scale 1 and the zero 0.

    The last operator, QUANTIZE, turns any step into any other; the converter gives it the step of
    the images' brightest pixel.
    """
    from ai_edge_litert import schema_py_generated as schema

    changed = bytearray(content)
    model = schema.Model.GetRootAs(changed, 0)
    signature = model.SignatureDefs(0)
    ends = [signature.Outputs(i) for i in range(signature.OutputsLength())]
    for end in ends:
        if (end.Name() or b"").decode() in outputs:
            quantization = model.Subgraphs(0).Tensors(end.TensorIndex()).Quantization()
            quantization.ScaleAsNumpy()[:] = 1
            quantization.ZeroPointAsNumpy()[:] = 0
    return bytes(changed)


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
