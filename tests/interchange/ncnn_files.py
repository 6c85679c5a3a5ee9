"""Tiny nets of ncnn, written by hand: text, and seeded weights."""

import struct
from pathlib import Path

import numpy as np

RNG = np.random.default_rng(7)


def tagged(*shape, half=False):
    """Weights behind a tag, in float32 or float16."""
    values = RNG.normal(0, 0.4, shape)
    if not half:
        return struct.pack("<I", 0) + values.astype("<f4").tobytes()
    content = values.astype("<f2").tobytes()
    return struct.pack("<I", 0x01306B47) + content + bytes(-len(content) % 4)


def plain(*shape, low=None):
    """Weights without a tag; uniform from `low` to 1 if it is given."""
    values = RNG.normal(0, 0.4, shape) if low is None else RNG.uniform(low, 1, shape)
    return values.astype("<f4").tobytes()


def write_net(folder: Path, lines, weights=b"", name="net"):
    """`.param` and `.bin` of these layers, behind an Input named `x`."""
    layers = ["Input in 0 1 x", *lines]
    blobs = sum(int(line.split()[3]) for line in layers)
    text = "\n".join(["7767517", f"{len(layers)} {blobs}", *layers]) + "\n"
    param, bin = folder / f"{name}.param", folder / f"{name}.bin"
    param.write_text(text)
    bin.write_bytes(weights)
    return param, bin


def conv(name, source, target, filters, channels, size=3, more="", half=False):
    """A line and weights of a convolution with a bias."""
    count = filters * channels * size * size
    line = f"Convolution {name} 1 1 {source} {target} 0={filters} 1={size} 5=1 6={count} {more}"
    return line, tagged(filters, channels, size, size, half=half) + plain(filters)
