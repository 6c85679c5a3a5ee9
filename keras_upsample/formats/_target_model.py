"""The private copy of a model that is traced for a target."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .. import ops
from ..ops._lacking import lacking
from ..program._inference import set_precision
from ..program._private import layers_of_their_class, private_copy
from ..targets import Target
from ._convolutions import inline_convolutions
from ._gpu_operators import replace_wrong_operators
from ._integer_normalization import replace_normalizations
from ._keras_quantized import leave_rounding_to_file
from ._onnx_patches import replace_patches
from ._reductions import reductions_in_parts
from ._resizes import replace_resizes
from ._stock_layers import replace_stock_layers
from ._tflite_operators import replace_lacking_operators
from ._tflite_pads import state_computed_pads

_REPLACED = {
    "tflite": (
        replace_resizes,
        inline_convolutions,
        replace_lacking_operators,
        replace_wrong_operators,
        state_computed_pads,
    ),
    "onnx": (replace_resizes, inline_convolutions, replace_patches),
}
"""Format of the graph -> what replaces operators of TensorFlow while a model is traced for it."""


@contextmanager
def model_for_target(model: Any, target: Target) -> Iterator[Any]:
    """The model with layers in the forms that the target has, and inside, resizes in its forms.

    Args:
        model: is only read; the one that is given is `private`.
        target: for which it is traced.
    """
    file_format = "" if target.format == "saved_model" else target.graph
    exact_sums = target.calibrated
    own = private_copy(model)
    set_precision(own)
    layers = layers_of_their_class(own)
    leave_rounding_to_file(layers, target)
    replace_stock_layers(layers, file_format=file_format, exact_sums=exact_sums)
    replace_normalizations(layers, target)
    with ops.resize_forms(target.forms), lacking(target.lacks), ExitStack() as others:
        if file_format and not exact_sums:
            others.enter_context(reductions_in_parts())
        for replaced in _REPLACED.get(target.graph, ()):
            others.enter_context(replaced())
        yield own
