"""What the Edge TPU compiler and LiteRT's GPU accelerator accept, as tables.

Each rule has its source: the makers' documents, users' reports, or runs of the engine (*atlas*:
docs/atlas.md). `edgetpu#31` is issue 31 of google-coral/edgetpu; *overview* is "TensorFlow models
on the Edge TPU" at coral.ai; *delegate* is "GPU delegates for LiteRT" at ai.google.dev.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._file import OperatorFacts, TensorFacts

RESIZES = ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
EDGE_TPU_SIDE = 128
"""Pixels of a side up to which users saw resizes mapped (edgetpu#187, #206, #283, #396)."""


@dataclass(frozen=True)
class Rule:
    """One condition that operators must meet.

    Attributes:
        operators: names of the operators that the rule applies to; empty for all.
        broken: operator -> how it breaks the rule, or an empty text.
        remedy: a change that meets the rule.
        source: where the rule is stated.
        certain: whether the device is known to refuse such an operator; else a note warns of it.
    """

    operators: tuple[str, ...]
    broken: "Callable[[OperatorFacts], str]"
    remedy: str
    source: str
    certain: bool = True

    def finds(self, operator: "OperatorFacts") -> str:
        """How the operator breaks the rule, or an empty text."""
        if self.operators and operator.name not in self.operators:
            return ""
        return self.broken(operator)


_EDGE_TPU_OPERATORS = frozenset(
    (  # noqa: SIM905
        "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS "
        "FULLY_CONNECTED L2_NORMALIZATION LOGISTIC LSTM MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL "
        "PACK PAD PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RELU_N1_TO_1 RESHAPE "
        "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT "
        "SQUEEZE STRIDED_SLICE SUB SUM SQUARED_DIFFERENCE TANH TRANSPOSE TRANSPOSE_CONV "
    ).split()
)
_GPU_OPERATORS = frozenset(
    (  # noqa: SIM905
        "ABS ADD ARG_MAX AVERAGE_POOL_2D BATCH_MATMUL CAST CEIL CONCATENATION CONV_2D COS "
        "DEPTH_TO_SPACE DEPTHWISE_CONV_2D DEQUANTIZE DIV ELU EQUAL EXP FLOOR FLOOR_DIV "
        "FLOOR_MOD FULLY_CONNECTED GATHER GREATER GREATER_EQUAL HARD_SWISH LEAKY_RELU LESS "
        "LESS_EQUAL LOG LOGISTIC LSTM MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG "
        "NOT_EQUAL PACK PAD PADV2 POW PRELU QUANTIZE REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU "
        "RELU6 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SIN SLICE "
        "SOFTMAX SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE STRIDED_SLICE "
        "SUB SUM TANH TILE TRANSPOSE TRANSPOSE_CONV "
    ).split()
)


def _none_of(supported: frozenset[str], whose: str) -> "Callable[[OperatorFacts], str]":
    def broken(operator: "OperatorFacts") -> str:
        if operator.custom:
            return f"the custom operator {operator.name} is unknown to {whose}"
        return "" if operator.name in supported else f"{whose} has no {operator.name}"

    return broken


def _tensors(operator: "OperatorFacts") -> "list[TensorFacts]":
    return [*operator.inputs, *operator.outputs]


def _not_integer(operator: "OperatorFacts") -> str:
    whole = ("int8", "uint8")
    flowing = [t for t in operator.inputs if not t.constant] + [*operator.outputs]
    kinds = {t.kind for t in flowing if t.kind not in whole}
    return f"it computes with {', '.join(sorted(kinds))}, not in 8 bits" if kinds else ""


def _open(operator: "OperatorFacts") -> str:
    return "its sizes are open" if any(-1 in t.shape for t in _tensors(operator)) else ""


def _rank_above_3(operator: "OperatorFacts") -> str:
    for tensor in _tensors(operator):
        if len(tensor.shape) > 3 and any(n != 1 for n in tensor.shape[:-3]):
            if tensor.constant and operator.name.endswith(("CONV_2D", "TRANSPOSE_CONV")):
                continue  # a kernel
            return f"a tensor of the shape {_times(tensor.shape)}: only the 3 last may exceed 1"
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
        return f"its input has the shape {_times(shape)}, not one dimension"
    return f"{shape[-1]} elements" if shape and shape[-1] > 16_000 else ""


def _rank_above_4(operator: "OperatorFacts") -> str:
    for tensor in _tensors(operator):
        if len(tensor.shape) > 4:
            return f"a tensor of {len(tensor.shape)} dimensions"
    return ""


def _batch(operator: "OperatorFacts") -> str:
    for tensor in operator.inputs[:1]:
        if len(tensor.shape) == 4 and not tensor.constant and tensor.shape[0] not in (1, -1):
            return f"a batch of {tensor.shape[0]}"
    return ""


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")

EDGE_TPU = (
    Rule(
        (),
        _none_of(_EDGE_TPU_OPERATORS, "the Edge TPU"),
        "export for this target, or use another `upsample=`: nearest, bilinear or transposed_conv",
        "overview; DEPTH_TO_SPACE edgetpu#386, ARG_MAX #409, DEQUANTIZE #560",
    ),
    Rule((), _not_integer, 'export with precision="int8", integer_io=True', "overview"),
    Rule((), _open, "export with fixed sizes: `input_shape`, without `resizable`", "overview"),
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


def _constant_on_the_left(operator: "OperatorFacts") -> str:
    return "its first matrix is constant" if operator.inputs[0].constant else ""


def _condition(operator: "OperatorFacts") -> str:
    whole = operator.outputs[0].shape if operator.outputs else ()
    for tensor in operator.inputs[1:]:
        if tensor.shape != whole and not (tensor.constant and tensor.shape == ()):
            return f"it chooses between {_times(tensor.shape) or 'a scalar'} and {_times(whole)}"
    return ""


def _shrinks(operator: "OperatorFacts") -> str:
    return "it drops an axis" if operator.options.get("shrinkAxisMask") else ""


def _vector_of_integers(operator: "OperatorFacts") -> str:
    whole = operator.outputs[0].shape if operator.outputs else ()
    for tensor in operator.inputs:
        partly = 1 < _count(tensor.shape) < _count(whole)
        if tensor.constant and tensor.kind == "int32" and partly:
            return f"integers and a constant of {_times(tensor.shape)}"
    return ""


def _rank_3_constant(operator: "OperatorFacts") -> str:
    for tensor in operator.inputs:
        if tensor.constant and len(tensor.shape) == 3 and tensor.shape[0] > 1:
            return f"a constant of {_times(tensor.shape)}"
    return ""


def _count(shape: tuple[int, ...]) -> int:
    return math.prod(shape)


_ARITHMETIC = ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE")
_OWN_TARGET = 'export for this target: targets=["litert_gpu"]'

LITERT_GPU = (
    Rule((), _none_of(_GPU_OPERATORS, "the GPU accelerator"), _OWN_TARGET, "delegate; atlas"),
    Rule((), _open, "export with fixed sizes: `input_shape`, without `resizable`", "delegate"),
    Rule((), _rank_above_4, "export with lowering, which keeps to 4 dimensions", "delegate"),
    Rule((), _batch, "export with batch_size=1", "delegate"),
    Rule(("BATCH_MATMUL",), _constant_on_the_left, _OWN_TARGET, "atlas"),
    Rule(("SELECT_V2",), _condition, _OWN_TARGET, "atlas"),
    Rule(("STRIDED_SLICE",), _shrinks, "slice with a range, then reshape", "atlas"),
)

LITERT_GPU_WRONG = (
    Rule(_ARITHMETIC, _vector_of_integers, "compute in float32 and cast at the end", "atlas"),
    Rule(_ARITHMETIC, _rank_3_constant, "put an axis of 1 in front", "atlas"),
)
"""What the accelerator takes and computes wrongly, without an error."""

RULES: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {"edge_tpu": EDGE_TPU, "litert_gpu": LITERT_GPU}
)
"""Device -> its rules."""
