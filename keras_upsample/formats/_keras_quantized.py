"""Models quantized by Keras' own `model.quantize`.

An `"int8"` layer multiplies its input by 127 / max |x| of each pixel's channels and rounds it, so
that a value near the middle of two steps falls on either side by the last bit of what came before.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from .._others import _keras
from ..errors import ExportError
from ..targets import Target


def rounds_activations(model: Any) -> bool:
    """Whether a layer of the model rounds what it reads."""
    return any(_rounds(layer) for layer in _keras.flatten_layers(model))


def check_quantized(model: Any, target: Target) -> None:
    """Refuse a quantisation that the format has no numbers for.

    Raises:
        ExportError: a layer was quantised to float8, and the target is no SavedModel.
    """
    if target.format == "saved_model":
        return
    for layer in _keras.flatten_layers(model):
        if _mode(layer) == "float8":
            raise ExportError(
                f'The layer {layer.name!r} was quantised by Keras to "float8", which ONNX and '
                "TFLite files have no numbers for. Export the model as it was before "
                '`model.quantize("float8")`, or quantise it to "int8" or "int4"; a SavedModel '
                "takes it."
            )


def leave_rounding_to_file(layers: Iterable[Any], target: Target) -> None:
    """Let quantised layers of a private model read floats for files that round themselves.

    A file of float32 computes what the model computes, rounding included. Others are rounded by the
    converter, or are of half precision: for those a layer reads floats, and its weights are those
    of the model, the integers divided by their scale.
    """
    if target.precision == "float32":
        return
    for layer in filter(_rounds, layers):
        object.__setattr__(layer, "inputs_quantizer", None)
        multiply = _multiplication(layer)
        if multiply is not None:
            object.__setattr__(layer, _keras.INT8_CALL, multiply)


def _multiplication(layer: Any) -> Callable | None:
    """The call of an "int8" layer by a kernel of floats, which converters round as any other."""
    import keras
    from keras import ops

    if _mode(layer) != "int8" or layer.lora_enabled:
        return None
    if type(layer) is keras.layers.Dense:
        multiply, scale = ops.matmul, partial(ops.convert_to_tensor, layer.kernel_scale)
    elif type(layer) is keras.layers.EinsumDense:
        multiply = partial(ops.einsum, layer.equation)
        scale = partial(_keras.kernel_scale_of_einsum, layer)
    else:
        return None

    def call(inputs: Any, training: bool | None = None) -> Any:
        x = multiply(inputs, ops.cast(_keras.stored_kernel(layer), layer.compute_dtype) / scale())
        x = x if layer.bias is None else x + layer.bias
        return x if layer.activation is None else layer.activation(x)

    return call


def _mode(layer: Any) -> str | None:
    return getattr(layer, "quantization_mode", None)


def _rounds(layer: Any) -> bool:
    return _mode(layer) == "float8" or (
        _mode(layer) is not None and getattr(layer, "inputs_quantizer", None) is not None
    )
