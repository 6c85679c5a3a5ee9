"""What the Edge TPU's compiler accepts, as a table, and the tables of all devices.

The compiler can't be run here, so the rules are the ones that its maker documents and users report,
each with its source. `edgetpu#31` is issue 31 of google-coral/edgetpu; *overview* is "TensorFlow
models on the Edge TPU" at coral.ai.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from ._gpu_rules import LITERT_GPU, LITERT_GPU_WRONG
from ._rule import Rule, none_of, open_sizes, tensors, times

if TYPE_CHECKING:
    from ._file import OperatorFacts

RESIZES = ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
EDGE_TPU_SIDE = 128
"""Pixels of a side up to which users saw resizes mapped (edgetpu#187, #206, #283, #396)."""


_EDGE_TPU_OPERATORS = frozenset(
    (  # noqa: SIM905
        "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS "
        "FULLY_CONNECTED L2_NORMALIZATION LOGISTIC LSTM MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL "
        "PACK PAD PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RELU_N1_TO_1 RESHAPE "
        "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT "
        "SQUEEZE STRIDED_SLICE SUB SUM SQUARED_DIFFERENCE TANH TRANSPOSE TRANSPOSE_CONV "
    ).split()
)


def _not_integer(operator: "OperatorFacts") -> str:
    whole = ("int8", "uint8")
    flowing = [t for t in operator.inputs if not t.constant] + [*operator.outputs]
    kinds = {t.kind for t in flowing if t.kind not in whole}
    return f"it computes with {', '.join(sorted(kinds))}, not in 8 bits" if kinds else ""


def _rank_above_3(operator: "OperatorFacts") -> str:
    for tensor in tensors(operator):
        if len(tensor.shape) > 3 and any(n != 1 for n in tensor.shape[:-3]):
            if tensor.constant and operator.name.endswith(("CONV_2D", "TRANSPOSE_CONV")):
                continue  # a kernel
            return f"a tensor of the shape {times(tensor.shape)}: only the 3 last may exceed 1"
    return ""


def _fused(operator: "OperatorFacts") -> str:
    fused = operator.options.get("fusedActivationFunction", 0)
    return "an activation is fused behind it" if fused else ""


def _dilations(operator: "OperatorFacts") -> str:
    rows = operator.options.get("dilationHFactor", 1)
    columns = operator.options.get("dilationWFactor", 1)
    return f"its dilation is {rows} by {columns}" if rows != columns else ""


def _version(operator: "OperatorFacts") -> str:
    return f"its version is {operator.version}" if operator.version > 3 else ""


def _large_resize(operator: "OperatorFacts") -> str:
    shape = operator.outputs[0].shape if operator.outputs else ()
    side = max(shape[1:3], default=0)
    return f"it makes {shape[1]}x{shape[2]} pixels" if side > EDGE_TPU_SIDE else ""


def _constant_part(operator: "OperatorFacts") -> str:
    constants = [t for t in operator.inputs if t.constant]
    if not constants or (len(operator.inputs) == 2 and all(t.zeros for t in constants)):
        return ""
    return "one of its inputs is constant and not all zeros, or one of more than two"


def _strides(operator: "OperatorFacts") -> str:
    masks = ("ellipsisMask", "newAxisMask")
    return "an ellipsis or a new axis" if any(operator.options.get(m) for m in masks) else ""


def _long_softmax(operator: "OperatorFacts") -> str:
    shape = operator.inputs[0].shape if operator.inputs else ()
    if any(n != 1 for n in shape[:-1]):
        return f"its input has the shape {times(shape)}, not one dimension"
    return f"{shape[-1]} elements" if shape and shape[-1] > 16_000 else ""


_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")

EDGE_TPU = (
    Rule(
        (),
        none_of(_EDGE_TPU_OPERATORS, "the Edge TPU"),
        "export for this target, or use another `upsample=`: nearest, bilinear or transposed_conv",
        "overview; DEPTH_TO_SPACE edgetpu#386, ARG_MAX #409, DEQUANTIZE #560",
    ),
    Rule((), _not_integer, 'export with precision="int8", integer_io=True', "overview"),
    Rule((), open_sizes, "export with fixed sizes: `input_shape`, without `resizable`", "overview"),
    Rule((), _rank_above_3, "export with batch 1 and images of 3 dimensions", "overview"),
    Rule(_CONVOLUTIONS, _dilations, "dilate rows and columns alike", "overview"),
    Rule(
        ("TRANSPOSE_CONV",),
        _version,
        "put no activation directly behind the transposed convolution",
        "edgetpu#845, #509, #64",
    ),
    Rule(
        ("TRANSPOSE_CONV", "MAX_POOL_2D", "CONCATENATION"),
        _fused,
        "no activation there",
        "overview; edgetpu#845",
    ),
    Rule(("CONCATENATION",), _constant_part, "pad in place of concatenating constants", "overview"),
    Rule(("STRIDED_SLICE",), _strides, "slice every axis by itself", "overview"),
    Rule(
        ("SOFTMAX",),
        _long_softmax,
        'export the scores, or with head="argmax" for other targets',
        "overview",
    ),
    Rule(
        RESIZES,
        _large_resize,
        'a smaller input, or upsample="transposed_conv"',
        "edgetpu#31, #187, #206, #283, #396, #420",
        certain=False,
    ),
)

RULES: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {"edge_tpu": EDGE_TPU, "litert_gpu": LITERT_GPU}
)
"""Device -> what it refuses."""

WRONG: Mapping[str, tuple[Rule, ...]] = MappingProxyType({"litert_gpu": LITERT_GPU_WRONG})
"""Device -> what it takes and computes wrongly."""


def known_to_be_wrong(operators: "Iterable[OperatorFacts]", device: str) -> Iterator[str]:
    """A line for each operator that the device takes and computes wrongly."""
    for operator in operators:
        for rule in WRONG.get(device, ()):
            found = rule.finds(operator)
            if found and not open_sizes(operator):
                yield (
                    f"known to be wrong: {operator.name} of {operator.where}: {found} "
                    f"[{rule.source}]. Remedy: {rule.remedy}"
                )
