"""PyTorch's own operators for the same results, (N, C, H, W); CARAFE and DySample composed of them.

The weights are those of our layers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gpu_study.cases import GROUPS, KERNEL, SCALE


def torch_weights(name: str, weights: list[np.ndarray]) -> list[np.ndarray]:
    """Our weights in PyTorch's order of axes and of channels."""
    if name == "transposed":  # (kh, kw, out, in) -> (in, out, kh, kw)
        return [weights[0].transpose(3, 2, 0, 1), weights[1]]
    if name == "carafe":
        compress, compress_bias, encode, encode_bias = weights
        return [
            compress.transpose(3, 2, 0, 1),
            compress_bias,
            encode.transpose(3, 2, 0, 1),
            encode_bias,
        ]
    if name == "dysample":
        return [weights[0].transpose(3, 2, 0, 1), weights[1]]
    return []


def functions() -> dict[str, Callable[..., Any]]:
    """Name -> (x, *weights) -> y."""
    import torch
    from torch.nn import functional

    def resize(mode: str) -> Callable[..., Any]:
        options = {} if mode == "nearest" else {"align_corners": False}
        return lambda x: functional.interpolate(x, scale_factor=SCALE, mode=mode, **options)

    def transposed(x: Any, kernel: Any, bias: Any) -> Any:
        return functional.conv_transpose2d(x, kernel, bias, stride=SCALE, padding=1)

    def carafe(x: Any, compress: Any, compress_bias: Any, encode: Any, encode_bias: Any) -> Any:
        n, c, h, w = x.shape
        logits = functional.conv2d(x, compress, compress_bias)
        logits = functional.conv2d(logits, encode, encode_bias, padding=encode.shape[2] // 2)
        kernels = logits.view(n, SCALE**2, KERNEL**2, h * w).softmax(2)
        columns = functional.unfold(x, KERNEL, padding=KERNEL // 2)
        columns = columns.view(n, c, KERNEL**2, h * w)
        y = torch.einsum("nckp,nakp->ncap", columns, kernels)
        return functional.pixel_shuffle(y.reshape(n, c * SCALE**2, h, w), SCALE)

    def dysample(x: Any, kernel: Any, bias: Any) -> Any:
        n, c, h, w = x.shape
        moves = functional.conv2d(x, kernel, bias) / 4  # channels (axis, a, b, group)
        moves = moves.view(n, 2, SCALE, SCALE, GROUPS, h, w)
        moves = moves.permute(0, 4, 1, 5, 2, 6, 3)  # (N, group, axis, H, a, W, b)
        moves = moves.reshape(n * GROUPS, 2, SCALE * h, SCALE * w)
        rows = (torch.arange(SCALE * h, device=x.device, dtype=x.dtype) + 0.5) / SCALE
        columns = (torch.arange(SCALE * w, device=x.device, dtype=x.dtype) + 0.5) / SCALE
        v = (rows[:, None] + moves[:, 0]) * (2 / h) - 1  # grid_sample's: -1 and 1 are the edges
        u = (columns[None, :] + moves[:, 1]) * (2 / w) - 1
        grid = torch.stack([u, v], dim=-1)
        y = functional.grid_sample(
            x.reshape(n * GROUPS, c // GROUPS, h, w),
            grid,
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )
        return y.view(n, c, SCALE * h, SCALE * w)

    return {
        "nearest": resize("nearest"),
        "bilinear": resize("bilinear"),
        "bicubic": resize("bicubic"),
        "transposed": transposed,
        "shuffle": lambda x: functional.pixel_shuffle(x, SCALE),
        "carafe": carafe,
        "dysample": dysample,
    }
