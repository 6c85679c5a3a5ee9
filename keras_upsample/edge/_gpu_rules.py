"""What LiteRT's GPU accelerator refuses, and what it takes and computes wrongly, as tables.

Each rule has its source: *delegate* is "GPU delegates for LiteRT" at ai.google.dev, *atlas* is
docs/atlas.md: files of one operator, run by the engine. tests/edge/test_edge_gpu_operators.py
compares the rules with the atlas.

The engine holds a tensor as batch, height, width and channels. It takes shapes of a lower rank as
(batch, channels) or (batch, width, channels), and confuses them with shapes that lack leading axes
of 1, as arithmetic has them. From this come most of the wrong values.
"""

import math
from typing import TYPE_CHECKING

from ._rule import Rule, none_of, open_sizes, tensors, times

if TYPE_CHECKING:
    from ._file import OperatorFacts, TensorFacts

_OPERATORS = (  # noqa: SIM905
    "ABS ADD ARG_MAX ATAN2 AVERAGE_POOL_2D BATCH_MATMUL CAST CEIL CONCATENATION CONV_2D COS CUMSUM "
    "DEPTH_TO_SPACE DEPTHWISE_CONV_2D DEQUANTIZE DIV ELU EQUAL EXP FLOOR FLOOR_DIV FLOOR_MOD "
    "FULLY_CONNECTED GATHER GELU GREATER GREATER_EQUAL HARD_SWISH LEAKY_RELU LESS LESS_EQUAL LOG "
    "LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LSTM MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD "
    "MUL NEG NOT_EQUAL PACK PAD PADV2 POW PRELU QUANTIZE REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU "
    "RELU6 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT "
    "SELECT SELECT_V2 SIGN SIN SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE "
    "SQUARED_DIFFERENCE STRIDED_SLICE SUB SUM TANH TILE TOPK_V2 TRANSPOSE TRANSPOSE_CONV UNPACK"
).split()
_OF_TWO = (  # noqa: SIM905
    "SUB DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE POW FLOOR_DIV FLOOR_MOD EQUAL NOT_EQUAL LESS "
    "LESS_EQUAL GREATER GREATER_EQUAL"
).split()
_PADS = ("PAD", "PADV2", "MIRROR_PAD")
_SHUFFLES = ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
_FLOATS_ONLY = ("MEAN", "SQUARED_DIFFERENCE", "MIRROR_PAD", *_SHUFFLES)


def _rank_above_4(operator: "OperatorFacts") -> str:
    ranks = [len(t.shape) for t in tensors(operator) if len(t.shape) > 4]
    return f"a tensor of {ranks[0]} dimensions" if ranks else ""


def _long_integers(operator: "OperatorFacts") -> str:
    flowing = [t for t in operator.inputs if not t.constant] + [*operator.outputs]
    return "it computes with int64" if any(t.kind == "int64" for t in flowing) else ""


def _integers(operator: "OperatorFacts") -> str:
    return "it computes with int32" if operator.inputs[0].kind == "int32" else ""


def _twins(operator: "OperatorFacts") -> str:
    first, second = operator.inputs[:2]
    return "both inputs are the same tensor" if first == second and not first.constant else ""


def _constant_on_the_left(operator: "OperatorFacts") -> str:
    return "its first matrix is constant" if operator.inputs[0].constant else ""


def _branches(operator: "OperatorFacts") -> str:
    whole = operator.outputs[0].shape
    for tensor in operator.inputs[1:]:
        if tensor.shape != whole and math.prod(tensor.shape) != 1:
            return f"it chooses between {times(tensor.shape)} and {times(whole)}"
    return ""


def _condition(operator: "OperatorFacts", refused: bool) -> str:
    condition, whole = operator.inputs[0].shape, operator.outputs[0].shape
    if not _lower(condition, whole) or refused != (len(whole) == 4):
        return ""
    return f"a condition of {times(condition)} for {times(whole)}"


def _shrinks(operator: "OperatorFacts") -> str:
    return "it drops an axis" if operator.options.get("shrinkAxisMask") else ""


def _reverses(operator: "OperatorFacts") -> str:
    return "a negative step" if min(operator.inputs[3].values, default=1) < 0 else ""


def _symmetric(operator: "OperatorFacts") -> str:
    return "it repeats the edge" if operator.options.get("mode") == 1 else ""


def _flat_pads(operator: "OperatorFacts") -> str:
    shape = operator.inputs[0].shape
    return f"a tensor of {len(shape)} dimensions" if len(shape) < 3 else ""


def _table_of_indices(operator: "OperatorFacts") -> str:
    shape = operator.inputs[1].shape
    return f"indices of {len(shape)} dimensions" if len(shape) != 1 else ""


def _lower(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether the engine takes the first axis of a shape for the batch, and it is not."""
    return len(shape) < len(whole) and shape[:1] > (1,)


def _misplaced(operator: "OperatorFacts") -> str:
    constants = [t for t in operator.inputs if t.constant]
    if len(constants) != 1:
        return ""
    whole = operator.outputs[0].shape
    for tensor in operator.inputs:
        if _misplaces(tensor, whole):
            what = "a constant" if tensor.constant else "beside a constant, a tensor"
            return f"{what} of {times(tensor.shape)}, in {times(whole)}"
    return ""


def _misplaces(tensor: "TensorFacts", whole: tuple[int, ...]) -> bool:
    if not tensor.constant or tensor.kind == "int32":
        return _lower(tensor.shape, whole)
    return len(tensor.shape) == len(whole) < 4 and tensor.shape[:1] > (1,)


def _batches(operator: "OperatorFacts") -> str:
    left, right = (math.prod(t.shape[:-2]) for t in operator.inputs[:2])
    return f"{left} matrices times {right}" if left != right else ""


def _batch_of_pads(operator: "OperatorFacts") -> str:
    image, widths = operator.inputs[:2]
    if len(image.shape) == 3 and image.shape[0] != 1:
        return f"a tensor of {times(image.shape)}"
    grows = any(widths.values[:2]) and image.shape[0] == 1
    return "it pads the first axis" if grows else ""


def _batch(operator: "OperatorFacts") -> str:
    size = operator.inputs[0].shape[0]
    return f"a batch of {size}" if size not in (1, -1) else ""


def _shift(operator: "OperatorFacts") -> str:
    """The padding in front comes from the input's size, where it must come from the output's."""
    if operator.options.get("padding") != 0:  # SAME
        return ""
    _, kernel, image = operator.inputs[:3]
    steps = (operator.options["strideH"], operator.options["strideW"])
    for axis, step in zip((1, 2), steps, strict=True):
        size, taps = image.shape[axis], kernel.shape[axis]
        right = max((size - 1) * step + taps - operator.outputs[0].shape[axis], 0) // 2
        if max(taps - (size % step or step), 0) // 2 != right:
            whole = times(operator.outputs[0].shape)
            return f"a kernel of {taps} and stride {step}, {times(image.shape)} to {whole}"
    return ""


def _groups(operator: "OperatorFacts") -> str:
    image, kernel = operator.inputs[:2]
    groups = image.shape[-1] // kernel.shape[3]
    sizes = kernel.shape[3], kernel.shape[0] // groups
    return f"groups of {sizes[0]} -> {sizes[1]}" if groups > 1 and any(n % 4 for n in sizes) else ""


def _base(operator: "OperatorFacts") -> str:
    base = operator.inputs[0]
    return "a constant base" if base.constant and math.prod(base.shape) == 1 else ""


def _other_sums(operator: "OperatorFacts") -> str:
    if operator.options.get("exclusive") or operator.options.get("reverse"):
        return "exclusive or in reverse"
    values, axis = operator.inputs[:2]
    first = axis.values and axis.values[0] in (0, -len(values.shape))
    return "along the first axis" if first and len(values.shape) < 4 else ""


_OWN_TARGET = 'export for this target: targets=["litert_gpu"]'

LITERT_GPU = (
    Rule((), none_of(_OPERATORS, "the GPU accelerator"), _OWN_TARGET, "delegate; atlas"),
    Rule((), open_sizes, "export with fixed sizes: `input_shape`, without `resizable`", "delegate"),
    Rule((), _rank_above_4, "export with lowering, which keeps to 4 dimensions", "atlas"),
    Rule((), _long_integers, "compute in int32", "atlas"),
    Rule(_FLOATS_ONLY, _integers, "compute in float32", "atlas"),
    Rule(tuple(_OF_TWO), _twins, "write what it equals", "atlas"),
    Rule(("BATCH_MATMUL",), _constant_on_the_left, _OWN_TARGET, "atlas"),
    Rule(("SELECT_V2",), _branches, _OWN_TARGET, "atlas"),
    Rule(("SELECT_V2",), lambda op: _condition(op, refused=True), _OWN_TARGET, "atlas"),
    Rule(("STRIDED_SLICE",), _shrinks, "slice with a range, then reshape", "atlas"),
    Rule(("STRIDED_SLICE",), _reverses, "REVERSE_V2", "atlas"),
    Rule(("MIRROR_PAD",), _symmetric, "concatenate slices", "atlas"),
    Rule(_PADS, _flat_pads, "reshape to 4 dimensions", "atlas"),
    Rule(("GATHER",), _table_of_indices, "flatten the indices, then reshape", "atlas"),
)
"""What the accelerator refuses."""

LITERT_GPU_WRONG = (
    Rule(
        ("ADD", "MUL", *_OF_TWO),
        _misplaced,
        "constants and tensors of 4 dimensions, with axes of 1 in front",
        "atlas",
    ),
    Rule(("SELECT_V2",), lambda op: _condition(op, refused=False), _OWN_TARGET, "atlas"),
    Rule(("BATCH_MATMUL",), _batches, "equal numbers of matrices on both sides", "atlas"),
    Rule(("PAD", "PADV2"), _integers, "pad in float32", "atlas"),
    Rule(_PADS, _batch_of_pads, "reshape to 4 dimensions, or concatenate", "atlas"),
    Rule(_SHUFFLES, _batch, "export with batch_size=1", "atlas"),
    Rule(
        ("TRANSPOSE_CONV",),
        _shift,
        "export with lowering: a convolution and DEPTH_TO_SPACE; or sizes that the stride divides",
        "atlas",
    ),
    Rule(("CONV_2D",), _groups, "groups of multiples of 4 channels", "atlas"),
    Rule(("POW",), _base, "EXP of a product", "atlas"),
    Rule(("CUMSUM",), _other_sums, "an inclusive sum of a tensor of 4 dimensions", "atlas"),
)
"""What it takes and computes wrongly, or what ends its process."""
