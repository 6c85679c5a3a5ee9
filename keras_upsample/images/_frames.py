"""The images in an array with further axes: points in time, slices."""

from collections.abc import Sequence

import numpy as np

_NAMED = {"T": "t", "Z": "z", "c": "c", "R": "r"}


def frame_label(counts: Sequence[tuple[str, int]], index: Sequence[int]) -> str:
    """`t03` for the fourth of up to 100 points in time; `t03_z1`; no letter where unnamed."""
    return "_".join(
        f"{_NAMED.get(name, '')}{i:0{len(str(size - 1))}d}"
        for (name, size), i in zip(counts, index, strict=True)
        if size > 1
    )


def channels_last(whole: np.ndarray, axes: str, index: Sequence[int]) -> np.ndarray:
    """(all axes) -> (H, W, C), a view."""
    frames = [i for i, name in enumerate(axes) if name not in "YXC"]
    order = [*frames, *(axes.index(name) for name in "YXC" if name in axes)]
    image = whole.transpose(order)[tuple(index)]
    return image if "C" in axes else image[..., None]
