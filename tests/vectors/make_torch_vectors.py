"""Writes torch_vectors.npz: what PyTorch 2.13.0 computes, for tests that run without PyTorch.

    python tests/vectors/make_torch_vectors.py

Arrays are named `<case>/x`, `<case>/y` and, for convolutions, `<case>/weight` and `<case>/bias`,
for poolings `<case>/indices` and, unpooled, `<case>/z`; `cases` holds, as JSON, the arguments of
each. Everything is in PyTorch's order (N, C, H, W).
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

PATH = Path(__file__).with_name("torch_vectors.npz")
SIZES = [(10, 14), (15, 21), (8, 11), (3, 4), (1, 1), (17, 5)]  # of a 5 x 7 image
GEOMETRIES = [  # kernel, stride, padding, output_padding
    (2, 2, 0, 0),
    (4, 2, 1, 0),
    (3, 2, 1, 1),
    (3, 3, 0, 0),
    (16, 8, 4, 0),
    (5, 2, 2, 1),
]
SPREADS = [  # rank, in, out, kernel, stride, padding, output_padding, groups, dilation
    (2, 4, 6, 3, 2, 1, 1, 2, 1),
    (2, 3, 3, 4, 2, 1, 0, 3, 1),
    (2, 3, 6, 3, 2, 1, 1, 3, 1),
    (2, 2, 3, 3, 1, 2, 0, 1, 2),
    (2, 2, 3, 3, 2, 2, 1, 1, 2),
    (2, 4, 4, 3, 3, 1, 2, 2, 2),
    (2, 4, 4, 2, 2, 0, 0, 4, 3),
    (2, 2, 2, 2, 1, 0, 2, 1, 3),
    (1, 3, 2, 4, 2, 1, 0, 1, 1),
    (1, 3, 2, 3, 3, 1, 2, 1, 2),
    (1, 4, 4, 4, 2, 1, 0, 4, 1),
    (1, 4, 2, 3, 2, 1, 1, 2, 1),
    (3, 3, 2, 2, 2, 0, 0, 1, 1),
    (3, 2, 3, 3, 2, 1, 1, 1, 1),
    (3, 4, 4, 3, 2, 1, 1, 2, 1),
    (3, 2, 2, 2, 1, 1, 0, 1, 2),
    (3, 3, 3, 2, 2, 0, 0, 3, 1),
]


def main() -> None:
    torch.manual_seed(20150518)
    arrays: dict[str, np.ndarray] = {}
    cases: dict[str, dict[str, object]] = {}

    def keep(name: str, arguments: dict[str, object], **tensors: torch.Tensor) -> None:
        cases[name] = arguments
        for key, tensor in tensors.items():
            arrays[f"{name}/{key}"] = tensor.detach().numpy()

    x = torch.randn(2, 2, 5, 7)
    for size in SIZES:
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic"):
            for align in (False, True) if mode.startswith("bi") else (None,):
                y = functional.interpolate(x, size=size, mode=mode, align_corners=align)
                name = f"interpolate_{mode}_{align}_{size[0]}x{size[1]}"
                keep(name, {"mode": mode, "align_corners": align, "size": size}, x=x, y=y)

    for scale in (2, 3, 4):
        x = torch.randn(2, 2 * scale**2, 3, 5)
        y = functional.pixel_shuffle(x, scale)
        keep(f"pixel_shuffle_{scale}", {"scale": scale}, x=x, y=y)

    for kernel, stride, padding, output_padding in GEOMETRIES:
        layer = torch.nn.ConvTranspose2d(3, 2, kernel, stride, padding, output_padding)
        x = torch.randn(2, 3, 4, 3)
        arguments = {
            "filters": 2,
            "kernel_size": kernel,
            "stride": stride,
            "padding": padding,
            "output_padding": output_padding,
        }
        name = f"conv_transpose_{kernel}_{stride}_{padding}_{output_padding}"
        keep(name, arguments, x=x, y=layer(x), weight=layer.weight, bias=layer.bias)

    layer = torch.nn.ConvTranspose2d(16, 8, kernel_size=2, stride=2)
    x = torch.randn(1, 16, 8, 8)
    arguments = {"filters": 8, "kernel_size": 2, "stride": 2, "padding": 0, "output_padding": 0}
    keep("article", arguments, x=x, y=layer(x), weight=layer.weight, bias=layer.bias)

    for size, pool_size in (((6, 8), 2), ((7, 9), 2), ((9, 11), 3)):
        x = torch.randint(0, 4, (2, 3, *size)).float()  # many equal values
        y, indices = functional.max_pool2d(x, pool_size, return_indices=True)
        z = functional.max_unpool2d(y, indices, pool_size, output_size=size)
        arguments = {"pool_size": pool_size, "size": size}
        name = f"max_pool_{pool_size}_{size[0]}x{size[1]}"
        keep(name, arguments, x=x, y=y, indices=indices, z=z)

    x = torch.randn(2, 2, 6, 8)
    for size in [(3, 2), (6, 4), (12, 24)]:  # where PyTorch's "area" is one
        y = functional.interpolate(x, size=size, mode="area")
        keep(f"area_{size[0]}x{size[1]}", {"size": size}, x=x, y=y)

    x = torch.randn(2, 2, 9, 13)
    for mode in ("bilinear", "bicubic"):
        for size in [(4, 5), (3, 26), (2, 2), (18, 2), (9, 12), (20, 31), (1, 3)]:
            y = functional.interpolate(x, size=size, mode=mode, antialias=True)
            name = f"antialias_{mode}_{size[0]}x{size[1]}"
            keep(name, {"mode": mode, "size": size}, x=x, y=y)

    for shape, size in (((2, 3, 7), (11,)), ((2, 3, 7), (14,)), ((2, 2, 3, 4, 5), (5, 7, 10)),
                        ((2, 2, 3, 4, 5), (6, 8, 10)), ((1, 2, 4, 5, 3), (2, 3, 1))):  # fmt: skip
        x = torch.randn(shape)
        linear = "linear" if len(size) == 1 else "trilinear"
        for mode, align in (
            ("nearest", None),
            ("nearest-exact", None),
            (linear, False),
            (linear, True),
        ):
            y = functional.interpolate(x, size=size, mode=mode, align_corners=align)
            name = f"lengths_{mode}_{align}_{'x'.join(map(str, size))}"
            keep(name, {"mode": mode, "align_corners": align, "size": size}, x=x, y=y)

    for (
        rank,
        channels,
        filters,
        kernel,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    ) in SPREADS:
        kind = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)[
            rank - 1
        ]
        layer = kind(
            channels, filters, kernel, stride, padding, output_padding, groups, dilation=dilation
        )
        x = torch.randn(2, channels, *(4, 3, 5)[:rank])
        arguments = {
            "filters": filters,
            "kernel_size": kernel,
            "stride": stride,
            "padding": padding,
            "output_padding": output_padding,
            "groups": groups,
            "dilation": dilation,
        }
        parts = (channels, filters, kernel, stride, padding, output_padding, groups, dilation)
        name = f"spread{rank}d_" + "_".join(map(str, parts))
        keep(name, arguments, x=x, y=layer(x), weight=layer.weight, bias=layer.bias)

    np.savez_compressed(PATH, cases=np.array(json.dumps(cases)), **arrays)
    print(f"{PATH}: {len(cases)} cases, {PATH.stat().st_size} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
