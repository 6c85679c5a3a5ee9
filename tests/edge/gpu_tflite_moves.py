"""Pads, slices, shuffles and sums in LiteRT's GPU accelerator."""

from typing import Any

from gpu_case import CRASH, FAULT, REFUSED, RIGHT, WRONG, Case
from gpu_tflite import IMAGE, STACK, case, tensorflow

PAIR = (2, *IMAGE[1:])
WHOLE = (IMAGE, "int32")
ROWS = ((0, 0), (1, 2), (2, 1), (0, 0))
FIRST = ((0, 1), (0, 0), (0, 0), (0, 0))


def pad(name: str, text: str, spec: Any, widths: Any, outcome: str = RIGHT, **facts: Any) -> Case:
    """PAD with zeros, PADV2 with another number, MIRROR_PAD."""
    mode = facts.pop("mode", "REFLECT" if name == "MIRROR_PAD" else "CONSTANT")

    def compute(x: Any) -> Any:
        value = 7 if name == "PADV2" else 0
        return tensorflow().pad(x, widths, mode, constant_values=value)

    return case(name, text, compute, spec, outcome=outcome, **facts)


_RANK_4 = {"instead": "reshape to rank 4", "upstream": "LiteRT#9272"}
_FLAT = {"words": "Invalid paddings tensor shape", "instead": "reshape to rank 4"}
_FLOAT = {"instead": "float32"}
PADS = (
    pad("PAD", "rows and columns of 1x4x6x8", IMAGE, ROWS),
    pad("PAD", "rows of 1x6x8", (1, 6, 8), ((0, 0), (1, 2), (0, 0))),
    pad("PAD", "middle axis of 5x6x8", STACK, ((0, 0), (1, 2), (0, 0)), WRONG, **_RANK_4),
    pad("PAD", "last axis of 5x6x8", STACK, ((0, 0), (0, 0), (1, 2)), WRONG, **_RANK_4),
    pad("PAD", "6x8", (6, 8), ((1, 2), (0, 0)), REFUSED, **_FLAT),
    pad(
        "PAD",
        "first axis of 1x4x6x8",
        IMAGE,
        ((0, 1), *ROWS[::3], (0, 0)),
        WRONG,
        instead="CONCATENATION",
    ),
    pad("PAD", "int32", WHOLE, ROWS, FAULT, words="no matching constructor", **_FLOAT),
    pad("PADV2", "rows and columns of 1x4x6x8", IMAGE, ROWS),
    pad("PADV2", "5x6x8", STACK, ROWS[1:], WRONG, **_RANK_4),
    pad("PADV2", "int32", WHOLE, ROWS, CRASH, words="its process ended with SIGSEGV", **_FLOAT),
    pad("MIRROR_PAD", "reflect", IMAGE, ROWS),
    pad("MIRROR_PAD", "reflect, 5x6x8", STACK, ROWS[1:], WRONG, **_RANK_4),
    pad(
        "MIRROR_PAD",
        "symmetric",
        IMAGE,
        ROWS,
        REFUSED,
        mode="SYMMETRIC",
        words="Only Reflective padding is supported",
        instead="CONCATENATION of slices",
    ),
)


def _nn() -> Any:
    return tensorflow().nn


def _gather(x: Any, places: Any, axis: int = 0) -> Any:
    return tensorflow().gather(x, places, axis=axis)


def _join(x: Any, y: Any) -> Any:
    return tensorflow().concat([x, y], 0)


def _sums(**how: bool) -> Any:
    return lambda x: tensorflow().cumsum(x, 1, **how)


_BATCH = {
    "outcome": FAULT,
    "words": "invalid character found",
    "instead": "a batch of 1: RESHAPE the images to one below the other, and back",
}
_NUMBER = {"outcome": REFUSED, "words": "Tensor type(INT32) is not supported", **_FLOAT}
MOVES = (
    case("DEPTH_TO_SPACE", "by 2", lambda x: _nn().depth_to_space(x, 2), IMAGE),
    case("DEPTH_TO_SPACE", "batch of 2", lambda x: _nn().depth_to_space(x, 2), PAIR, **_BATCH),
    case("DEPTH_TO_SPACE", "int32", lambda x: _nn().depth_to_space(x, 2), WHOLE, **_NUMBER),
    case("SPACE_TO_DEPTH", "by 2", lambda x: _nn().space_to_depth(x, 2), IMAGE),
    case("SPACE_TO_DEPTH", "batch of 2", lambda x: _nn().space_to_depth(x, 2), PAIR, **_BATCH),
    case("STRIDED_SLICE", "steps of 2", lambda x: x[:, ::2, 1::2], IMAGE),
    case("STRIDED_SLICE", "a range of 5x6x8", lambda x: x[1:3], STACK),
    case(
        "STRIDED_SLICE",
        "drops an axis",
        lambda x: x[:, 1],
        IMAGE,
        outcome=REFUSED,
        words="Slice does not support shrink_axis_mask parameter",
        upstream="tensorflow#56081",
        instead="a range, then RESHAPE",
    ),
    case(
        "STRIDED_SLICE",
        "backwards",
        lambda x: x[:, ::-1],
        IMAGE,
        outcome=REFUSED,
        words="Reverse slices are not supported",
        instead="REVERSE_V2",
    ),
    case("REVERSE_V2", "rows", lambda x: tensorflow().reverse(x, [1]), IMAGE),
    case("GATHER", "rows of 6x8", lambda x: _gather(x, [3, 0, 1]), (6, 8)),
    case("GATHER", "rows of 1x4x6x8", lambda x: _gather(x, [3, 0, 1], 1), IMAGE),
    case(
        "GATHER",
        "places from a tensor",
        _gather,
        (256, 8),
        ((7,), "int32"),
    ),
    case(
        "GATHER",
        "a table of places",
        _gather,
        (256, 8),
        ((3, 7), "int32"),
        outcome=REFUSED,
        words="Only support 1D indices",
        instead="a list of places, then RESHAPE",
    ),
    case("TILE", "rows and columns", lambda x: tensorflow().tile(x, (1, 2, 3, 1)), IMAGE),
    case("TILE", "5x6x8", lambda x: tensorflow().tile(x, (2, 1, 3)), STACK),
    case("PACK", "5x6x8, last axis", lambda x, y: tensorflow().stack([x, y], 3), STACK, STACK),
    case(
        "CONCATENATION",
        "5x6x8, first axis",
        _join,
        STACK,
        STACK,
    ),
    case("TRANSPOSE", "5x6x8", lambda x: tensorflow().transpose(x, (2, 0, 1)), STACK),
    case(
        "BROADCAST_TO",
        "1x1x6x8 to 1x4x6x8",
        lambda x: tensorflow().broadcast_to(x, IMAGE),
        (1, 1, 6, 8),
        outcome=REFUSED,
        words="Operation is not supported",
        upstream="LiteRT#9191",
        instead="CONCATENATION, or an operator that broadcasts",
    ),
    case("CAST", "bool to float32", lambda x: tensorflow().cast(x, "float32"), (IMAGE, "bool")),
    case("CAST", "float32 to int32", lambda x: tensorflow().cast(x, "int32"), IMAGE),
)
_INCLUSIVE = {"outcome": WRONG, "instead": "an inclusive sum of a tensor of rank 4"}
SUMS = (
    case("REDUCE_MAX", "rows", lambda x: tensorflow().reduce_max(x, 1), IMAGE),
    case("REDUCE_MIN", "rows and columns", lambda x: tensorflow().reduce_min(x, (1, 2)), IMAGE),
    case("REDUCE_MAX", "5x6x8, first axis", lambda x: tensorflow().reduce_max(x, 0), STACK),
    case("MEAN", "rows and columns", lambda x: tensorflow().reduce_mean(x, (1, 2)), IMAGE),
    case("MEAN", "int32", lambda x: tensorflow().reduce_mean(x, 1), WHOLE, **_NUMBER),
    case("ARG_MAX", "channels", lambda x: tensorflow().argmax(x, 3, "int32"), IMAGE),
    case(
        "ARG_MAX",
        "int64",
        lambda x: tensorflow().argmax(x, 3, "int64"),
        IMAGE,
        outcome=REFUSED,
        words="Tensor type(INT64) is not supported",
        instead="int32",
    ),
    case("CUMSUM", "inclusive", _sums(), IMAGE),
    case(
        "CUMSUM",
        "exclusive",
        _sums(exclusive=True),
        IMAGE,
        **_INCLUSIVE,
    ),
    case("CUMSUM", "reverse", _sums(reverse=True), IMAGE, **_INCLUSIVE),
    case("CUMSUM", "5x6x8, first axis", lambda x: tensorflow().cumsum(x, 0), STACK, **_INCLUSIVE),
)
