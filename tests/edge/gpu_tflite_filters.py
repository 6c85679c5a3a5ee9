"""Resizes and convolutions in LiteRT's GPU accelerator."""

from typing import Any

from gpu_case import CRASH, FAULT, RIGHT, WRONG, Case
from gpu_tflite import IMAGE, Shape, case, numbers, tensorflow

PAIR = (2, *IMAGE[1:])
RESIZES = {
    "RESIZE_BILINEAR": "ResizeBilinear",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighbor",
}


def resize(name: str, factor: int, convention: str) -> Case:
    """RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR of 5x7 pixels."""
    flags = {convention: True} if convention else {}
    size = (5 * factor, 7 * factor)

    def compute(x: Any) -> Any:
        return getattr(tensorflow().raw_ops, RESIZES[name])(images=x, size=size, **flags)

    text = f"by {factor}, {convention or 'neither flag'}"
    return case(name, text, compute, (1, 5, 7, 3))


def transposed(
    kernel: int, step: int, padding: str, rows: int, out: int, wrong: bool = False
) -> Case:
    """TRANSPOSE_CONV of square maps."""

    def compute(x: Any) -> Any:
        weights = numbers(kernel, kernel, 4, 3)
        return tensorflow().nn.conv2d_transpose(x, weights, (1, out, out, 4), step, padding)

    return case(
        "TRANSPOSE_CONV",
        f"kernel {kernel}, stride {step}, {padding}, {rows} to {out} pixels",
        compute,
        (1, rows, rows, 3),
        outcome=WRONG if wrong else RIGHT,
        instead="CONV_2D and DEPTH_TO_SPACE, as exports have it" if wrong else "",
    )


def convolution(text: str, shape: Shape, depth: int, filters: int, **facts: Any) -> Case:
    """CONV_2D of 3x3; `depth` is the number of channels of a group."""

    def compute(x: Any) -> Any:
        return tensorflow().nn.conv2d(x, numbers(3, 3, depth, filters), 1, "SAME")

    return case("CONV_2D", text, compute, shape, **facts)


_WIDE = (1, 5, 7, 16)
_MANY = "groups of multiples of 4 channels"
_ZERO = {
    "outcome": FAULT,
    "words": "Binding size for [Buffer (unlabeled)] is zero",
    "instead": _MANY,
}
_ENDS = {"outcome": CRASH, "words": "its process ended with SIGILL", "instead": _MANY}
FILTERS = (
    *(
        resize(name, factor, convention)
        for name in RESIZES
        for convention in ("half_pixel_centers", "align_corners", "")
        for factor in (2, 3)
    ),
    transposed(2, 2, "SAME", 5, 10),
    transposed(3, 2, "SAME", 4, 8),
    transposed(3, 2, "SAME", 5, 10, wrong=True),
    transposed(3, 2, "SAME", 5, 9),
    transposed(3, 2, "VALID", 5, 11),
    transposed(4, 2, "SAME", 5, 10),
    transposed(5, 2, "SAME", 4, 8),
    transposed(5, 2, "SAME", 5, 10, wrong=True),
    transposed(5, 2, "VALID", 5, 13),
    transposed(4, 4, "SAME", 4, 16),
    transposed(4, 4, "SAME", 5, 20, wrong=True),
    transposed(16, 8, "SAME", 3, 24, wrong=True),
    convolution("3x3", IMAGE, 8, 4),
    convolution("3x3, batch of 2", PAIR, 8, 4),
    convolution("2 groups of 8 -> 4 channels", _WIDE, 8, 8),
    convolution("4 groups of 4 -> 2 channels", _WIDE, 4, 8, **_ZERO),
    convolution("2 groups of 8 -> 6 channels", _WIDE, 8, 12, **_ENDS),
    case("SOFTMAX", "batch of 2", lambda x: tensorflow().nn.softmax(x), PAIR),
)
