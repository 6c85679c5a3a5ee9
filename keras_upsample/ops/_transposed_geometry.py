"""Lengths and crops of transposed convolutions, one axis at a time."""

import math
from collections.abc import Sequence

from ._backend import Size

Pair = tuple[int, int]


def reach(kernel: int, dilation: int) -> int:
    """Return the pixels from the first to the last tap: (k − 1)·d + 1."""
    return (kernel - 1) * dilation + 1


def exact_crop(kernel: int, scale: int) -> Pair:
    """Return the crop (begin, end) that leaves exactly scale · n pixels of (n − 1)·scale + kernel.

    An odd pixel is lost at the end, bottom or right, as by TensorFlow's SAME.
    """
    begin = max(kernel - scale, 0) // 2
    return begin, kernel - scale - begin


def torch_crop(padding: int, output_padding: int) -> Pair:
    """Return the crop (begin, end) of PyTorch's geometry; a negative end adds zeros."""
    return padding, padding - output_padding


def output_length(n: Size, kernel: int, scale: int, crop: Pair) -> Size:
    """Return the length (n − 1)·scale + kernel − begin − end; `kernel` is the `reach`."""
    result = (n - 1) * scale + kernel - crop[0] - crop[1]
    if isinstance(result, int) and result < 1:
        raise ValueError(
            f"A transposed convolution with kernel {kernel}, scale {scale} and crop {crop} leaves "
            f"no pixel of a length of {n}. Use a larger image or a smaller `padding`."
        )
    return result


def phases_seen(kernel: int, scale: int, dilation: int) -> int:
    """Return how many of the `scale` phases of the output a tap of the kernel reaches.

    Tap j adds to the outputs s·i + d·j, so to phase d·j mod s: min(k, s/gcd(s, d)) phases.
    """
    return min(kernel, scale // math.gcd(scale, dilation))


def crops_of(
    crop: Sequence[Pair] | None, reaches: Sequence[int], strides: Sequence[int]
) -> list[Pair]:
    """Return (begin, end) of each axis; for None the crop that leaves exactly scale · n."""
    rank = len(strides)
    if crop is None:
        return [exact_crop(k, s) for k, s in zip(reaches, strides, strict=True)]
    wanted = {
        1: "((begin, end),)",
        2: "((top, bottom), (left, right))",
        3: "((front, back), (top, bottom), (left, right))",
    }[rank]
    try:
        crops = [(begin, end) for begin, end in crop]
        if len(crops) != rank:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f"`crop` must be {wanted} in pixels. Received: {crop!r}. "
            f"Pass {rank} pair{'s' * (rank > 1)} of ints."
        ) from None
    if any(begin < 0 for begin, _ in crops):
        raise ValueError(
            f"`crop` must begin at 0 or later. Received: {crop!r}. Only the ends may be negative."
        )
    return crops


def is_same(kernel: int, stride: int, crop: Pair) -> bool:
    """Say whether TensorFlow's SAME has this crop: the total halved, the odd pixel at the end."""
    total = crop[0] + crop[1]
    return 0 < kernel - total <= stride and crop[0] == max(total, 0) // 2


def is_valid(kernel: int, stride: int, crop: Pair) -> bool:
    """Say whether TensorFlow's VALID has this crop: none, or less than a stride of zeros added."""
    return crop[0] == 0 and -stride < crop[1] <= 0


def check_groups(filters: int | None, channels: int | None, groups: int) -> None:
    """Raise unless `groups` divides the channels on both sides."""
    for what, number in (("`filters`", filters), ("channels of the input", channels)):
        if number is not None and number % groups:
            fitting = [n for n in range(1, min(number, 64) + 1) if number % n == 0]
            raise ValueError(
                f"`groups` must divide the number of {what}. Received: groups={groups} for "
                f"{number}. Use one of {', '.join(map(str, fitting))}."
            )
