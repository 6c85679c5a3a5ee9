"""Model -> TFLite file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._others import _litert
from ..errors import ExportError
from ..files._scratch import scratch
from ..program._input_shape import fix_sizes
from ..program._signature import Signature
from ..quantization._feeds import Feeds
from ._debugger import partly_float
from ._error_functions import lacks_error_function, replace_error_functions
from ._saved_model import write_saved_model
from ._tflite_converter import FLOAT_IO, IO, convert_saved_model
from ._tflite_order import in_order
from ._tflite_shapes import with_usual_sizes


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
    sizes = {s.name: fix_sizes(s, 1).shape for s in signature.inputs if None in s.shape}

    def once() -> tuple[list[str], bytes]:
        with scratch() as folder:
            names = write_saved_model(model, signature, folder)
            if keep_float:
                return names, partly_float(folder, calibration or [], keep_float, sizes)
            return names, convert_saved_model(
                folder, precision, calibration, allow_flex=allow_flex, io=io, sizes=sizes
            )

    try:
        outputs, content = once()
    except ExportError as error:
        if not lacks_error_function(str(error)):
            raise
        with replace_error_functions():
            outputs, content = once()
    if sizes:
        content = with_usual_sizes(content, sizes)
    if pixels and io[1] == "uint8":
        content = with_whole_numbers(content, pixels)
    inputs = [spec.name for spec in signature.inputs]
    path.write_bytes(in_order(content, inputs, outputs))
    return outputs


def with_whole_numbers(content: bytes, outputs: Sequence[str]) -> bytes:
    """A file some of whose uint8 outputs have the scale 1 and the zero 0.

    The last operator, QUANTIZE, turns any step into any other; the converter gives it the step of
    the images' brightest pixel.
    """
    schema = _litert.schema()
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
