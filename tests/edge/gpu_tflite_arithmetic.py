"""Arithmetic, products of matrices and choices in LiteRT's GPU accelerator."""

import operator
from collections.abc import Callable
from typing import Any

from gpu_case import FAULT, REFUSED, RIGHT, WRONG, Case
from gpu_tflite import IMAGE, STACK, Shape, case, numbers, tensorflow, times

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "ADD": operator.add,
    "SUB": operator.sub,
    "MUL": operator.mul,
    "EQUAL": operator.eq,
    "GREATER": operator.gt,
    "MAXIMUM": lambda x, y: tensorflow().maximum(x, y),
}
# The engine writes a shader that no device takes, or reads the constant along the wrong axis.
INTEGERS = (
    ("ADD", IMAGE, (8,), FAULT),
    ("ADD", IMAGE, (6, 8), FAULT),
    ("ADD", IMAGE, (4, 6, 8), FAULT),
    ("ADD", IMAGE, (1, 6, 8), RIGHT),
    ("ADD", IMAGE, (1, 4, 1, 1), RIGHT),
    ("ADD", IMAGE, (1, 1, 6, 1), RIGHT),
    ("ADD", IMAGE, (1, 1, 1, 8), RIGHT),
    ("ADD", IMAGE, IMAGE, RIGHT),
    ("ADD", IMAGE, (), RIGHT),
    ("ADD", STACK, (8,), WRONG),
    ("ADD", STACK, STACK, RIGHT),
    ("ADD", (6, 8), (8,), WRONG),
    ("ADD", (6, 8), (6, 8), RIGHT),
    ("SUB", IMAGE, (8,), FAULT),
    ("SUB", IMAGE, (1, 1, 1, 8), RIGHT),
    ("MUL", IMAGE, (8,), FAULT),
    ("MUL", IMAGE, (1, 1, 6, 1), RIGHT),
    ("MAXIMUM", IMAGE, (8,), FAULT),
    ("MAXIMUM", IMAGE, (1, 4, 1, 1), RIGHT),
    ("EQUAL", IMAGE, (8,), FAULT),
    ("EQUAL", IMAGE, (1, 1, 1, 8), RIGHT),
)
# It takes the first axis of the tensor for the batch, and that of the constant for the height.
FLOATS = (
    ("ADD", STACK, STACK, WRONG),
    ("ADD", STACK, (5, 1, 8), WRONG),
    ("ADD", STACK, (5, 1, 1), WRONG),
    ("ADD", STACK, (1, 6, 8), RIGHT),
    ("ADD", STACK, (6, 8), RIGHT),
    ("ADD", STACK, (8,), RIGHT),
    ("ADD", (1, *STACK), (1, *STACK), RIGHT),
    ("ADD", (1, *STACK), STACK, RIGHT),
    ("ADD", (2, *STACK), (2, *STACK), RIGHT),
    ("ADD", (6, 8), (6, 8), WRONG),
    ("ADD", (6, 8), (6, 1), WRONG),
    ("ADD", (6, 8), (1, 8), RIGHT),
    ("ADD", (6, 8), (1, *STACK), WRONG),
    ("ADD", (8,), (8,), WRONG),
    ("SUB", STACK, STACK, WRONG),
    ("SUB", STACK, (1, 6, 8), RIGHT),
    ("SUB", (1, *STACK), (1, *STACK), RIGHT),
    ("MUL", STACK, STACK, WRONG),
    ("MUL", STACK, (1, 6, 8), RIGHT),
    ("MUL", (6, 8), (6, 8), WRONG),
    ("MUL", (1, *STACK), (1, *STACK), RIGHT),
    ("MAXIMUM", STACK, STACK, WRONG),
    ("GREATER", STACK, STACK, WRONG),
)
_QUICK = (("ADD", IMAGE, (8,), FAULT), ("SUB", STACK, STACK, WRONG), FLOATS[6])


def beside(kind: str, row: tuple[str, Shape, Shape, str]) -> Case:
    """A tensor and a constant."""
    name, shape, constant, outcome = row

    def compute(x: Any) -> Any:
        return FUNCTIONS[name](x, numbers(*constant, kind=kind))

    wrong = outcome != RIGHT
    return case(
        name,
        f"{kind} {times(shape)}, constant {times(constant)}",
        compute,
        (shape, kind),
        outcome=outcome,
        words="unable to parse expression" if outcome == FAULT else "",
        instead="tensor and constant of rank 4, axes of 1 in front" if wrong else "",
        upstream="LiteRT#9664" if wrong and kind == "int32" else "",
        constant=constant,
        quick=row in _QUICK,
    )


def _matmul(x: Any, y: Any) -> Any:
    return tensorflow().matmul(x, y)


def _choose(condition: Any, x: Any, y: Any) -> Any:
    return tensorflow().where(condition, x, y)


_FIVE = (1, 2, *STACK)
_LEFT = {
    "outcome": REFUSED,
    "words": "Not supported batched mat mul case: non-constant tensor",
    "upstream": "tensorflow#66727",
    "instead": "the constant on the right, or 1x1 convolutions",
}
_SHARED = {"outcome": WRONG, "instead": "equal leading axes on both sides"}
_BRANCH = {
    "outcome": REFUSED,
    "words": "if, else tensors must be either be same the shape as output or constant, scalar",
    "instead": "a product with the condition as a number",
}
_WHETHER = ((*IMAGE[:3], 1), "bool")
_LOWER = {"instead": "a condition of the rank of the output"}

ARITHMETIC = (
    *(beside("int32", row) for row in INTEGERS),
    case("ADD", "int32, tensors of 1x4x6x8 and 8", operator.add, (IMAGE, "int32"), ((8,), "int32")),
    *(beside("float32", row) for row in FLOATS),
    case("ADD", "float32, two tensors of 5x6x8", operator.add, STACK, STACK),
    case(
        "ADD",
        "float32, tensors of 5x6x8 and 1x1x6x8",
        operator.add,
        STACK,
        (1, 1, 6, 8),
        upstream="LiteRT#8980, closed",
    ),
    case(
        "ADD",
        "rank 5",
        operator.add,
        _FIVE,
        _FIVE,
        outcome=REFUSED,
        words="Tensor dimensions must be less than 5",
        instead="at most 4 dimensions",
    ),
    case(
        "SUB",
        "a tensor and itself",
        lambda x: tensorflow().raw_ops.Sub(x=x, y=x),
        IMAGE,
        outcome=REFUSED,
        words="No support of few identical inputs",
        upstream="LiteRT#9192",
        instead="what it equals",
    ),
    case("MUL", "a tensor and itself", lambda x: x * x, IMAGE),
    case("POW", "constant exponent", lambda x: tensorflow().pow(x, 3.0), IMAGE),
    case(
        "POW",
        "constant base",
        lambda x: tensorflow().pow(2.0, x),
        IMAGE,
        outcome=WRONG,
        instead="EXP of a product",
    ),
    case("GELU", "by the error function", lambda x: tensorflow().nn.gelu(x), IMAGE),
    case("HARD_SWISH", "float32", lambda x: x * tensorflow().nn.relu6(x + 3) / 6, IMAGE),
)
MATRICES = tuple(
    case("BATCH_MATMUL", *row, **facts)
    for *row, facts in (
        ("constant on the left", lambda x: _matmul(numbers(1, 4, 5, 6), x), IMAGE, _LEFT),
        ("constant on the right", lambda x: _matmul(x, numbers(1, 4, 8, 5)), IMAGE, {}),
        ("one constant for 4", lambda x: _matmul(x, numbers(1, 1, 8, 5)), IMAGE, _SHARED),
        ("two tensors", _matmul, IMAGE, (1, 4, 8, 5), {}),
        ("two tensors of rank 3", _matmul, STACK, (5, 8, 7), {}),
        ("two tensors, one matrix for 4", _matmul, IMAGE, (1, 1, 8, 5), _SHARED),
        (
            "two tensors, the second transposed",
            lambda x, y: tensorflow().matmul(x, y, transpose_b=True),
            IMAGE,
            (1, 4, 5, 8),
            {"upstream": "LiteRT#8913, open"},
        ),
    )
)
CHOICES = (
    case("SELECT", "all of 1x4x6x8", _choose, (IMAGE, "bool"), IMAGE, IMAGE),
    *(
        case("SELECT_V2", *row, **facts)
        for *row, facts in (
            ("branch a number", lambda c, x: _choose(c, x, 0.0), (IMAGE, "bool"), IMAGE, {}),
            ("branch 8", lambda c, x: _choose(c, x, numbers(8)), (IMAGE, "bool"), IMAGE, _BRANCH),
            ("branch 1x1x1x8", _choose, (IMAGE, "bool"), IMAGE, (1, 1, 1, 8), _BRANCH),
            ("condition 1x4x6x1", _choose, _WHETHER, IMAGE, IMAGE, {}),
            (
                "condition 8 in 1x4x6x8",
                _choose,
                ((8,), "bool"),
                IMAGE,
                IMAGE,
                {"outcome": REFUSED, **_LOWER},
            ),
            (
                "condition 6x8 in 5x6x8",
                _choose,
                ((6, 8), "bool"),
                STACK,
                STACK,
                {"outcome": WRONG, **_LOWER},
            ),
            ("condition 5x1x8 in 5x6x8", _choose, ((5, 1, 8), "bool"), STACK, STACK, {}),
        )
    ),
)
