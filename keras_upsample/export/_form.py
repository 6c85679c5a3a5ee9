"""A model while it is converted for a target."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .. import ops
from ..ops._lacking import lacking
from ._convolutions import convolutions_inlined
from ._inference import inference_in
from ._integer_normalization import normalizations_replaced
from ._keras_quantized import quantized_layers_replaced
from ._onnx_patches import patches_replaced
from ._reductions import reductions_in_parts
from ._resizes import resizes_replaced
from ._stock_layers import stock_layers_replaced
from ._tflite_operators import lacking_operators_replaced
from ._tflite_pads import computed_pads_stated
from .targets import Target

_REPLACED = {
    "tflite": (
        resizes_replaced,
        convolutions_inlined,
        lacking_operators_replaced,
        computed_pads_stated,
    ),
    "onnx": (resizes_replaced, convolutions_inlined, patches_replaced),
}
"""Format -> what replaces operators of TensorFlow while a model is traced for it."""


@contextmanager
def formed_for(model: Any, target: Target) -> Iterator[None]:
    """Inside, the model infers, with layers and resizes in the forms that the target has."""
    file_format = "" if target.format == "saved_model" else target.format
    exact_sums = target.calibrated
    with (
        inference_in(model),
        quantized_layers_replaced(model, target),
        stock_layers_replaced(model, file_format=file_format, exact_sums=exact_sums),
        normalizations_replaced(model, target),
        ops.resize_forms(target.forms),
        lacking(target.lacks),
        ExitStack() as others,
    ):
        if file_format and not exact_sums:
            others.enter_context(reductions_in_parts())
        for replaced in _REPLACED.get(target.format, ()):
            others.enter_context(replaced())
        yield
