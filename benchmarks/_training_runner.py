"""Steps of training one U-Net, in a process of its own.

python benchmarks/_training_runner.py KIND UPSAMPLE SIZE BATCH

KIND is "ours" (this package's upsampling and fusion layers), "stock" (Keras' own; all else is the
same layer by layer) or "torch" (the same net, `torch.compile`d; needs torch). It reads commands and
answers as `_plain_runner.py` does:

    {"time": 5}     seconds of a step, the mean of so many; `model.fit` on one batch that is ready
"""

import json
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
from _compared_nets import CLASSES, WIDTHS, stock_parts, unet


def batch(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of noise, and classes of noise."""
    rng = np.random.default_rng(0)
    images = rng.random((count, size, size, 3), "float32")
    return images, rng.integers(0, len(CLASSES), (count, size, size), "int32")


def keras_steps(kind: str, upsample: str, size: int, count: int) -> Callable[[int], None]:
    """`fit` for so many steps."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    parts = our_parts if kind == "ours" else stock_parts
    net = unet(size, upsample, WIDTHS, parts)
    net.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    ready = tf.data.Dataset.from_tensors(batch(size, count)).cache().repeat()
    return lambda steps: net.fit(ready, steps_per_epoch=steps, verbose=0) and None


def our_parts(upsample: str, width: int) -> tuple[Any, Any]:
    """This package's layers that double a map and that join two."""
    from keras_upsample import layers

    double = {
        "transposed": lambda: layers.TransposedConv2D(width, 2, 2),
        "nearest": lambda: layers.NearestUpSampling2D(2),
        "bilinear": lambda: layers.BilinearUpSampling2D(2),
        "bicubic": lambda: layers.BicubicUpSampling2D(2),
    }[upsample]
    return double(), layers.SkipFusion2D("concat")


def torch_steps(upsample: str, size: int, count: int) -> Callable[[int], None]:
    """The same net and optimiser in PyTorch, compiled."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(os.cpu_count() or 1)

    def block(given: int, width: int) -> nn.Sequential:
        found: list[nn.Module] = []
        for channels in (given, width):
            found += [
                nn.Conv2d(channels, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
        return nn.Sequential(*found)

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widths = (3, *WIDTHS)
            self.down = nn.ModuleList(block(a, b) for a, b in pairwise(widths))
            steps = list(zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
            transposed = upsample == "transposed"
            self.grow = nn.ModuleList(
                nn.ConvTranspose2d(a, b, 2, 2)
                if transposed
                else nn.Upsample(scale_factor=2, mode=upsample)
                for a, b in steps
            )
            self.up = nn.ModuleList(block(2 * b if transposed else a + b, b) for a, b in steps)
            self.head = nn.Conv2d(WIDTHS[0], len(CLASSES), 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            skips = []
            for level in self.down[:-1]:
                x = level(x)
                skips.append(x)
                x = nn.functional.max_pool2d(x, 2)
            x = self.down[-1](x)
            for double, up, skip in zip(self.grow, self.up, skips[::-1], strict=True):
                x = up(torch.cat([double(x), skip], 1))
            return self.head(x)

    images, classes = batch(size, count)
    x = torch.from_numpy(np.moveaxis(images, -1, 1)).contiguous(memory_format=torch.channels_last)
    y = torch.from_numpy(classes).long()
    net = UNet().to(memory_format=torch.channels_last).train()
    compiled, optimiser = torch.compile(net), torch.optim.Adam(net.parameters(), 1e-3)

    def steps(number: int) -> None:
        for _ in range(number):
            optimiser.zero_grad()
            nn.functional.cross_entropy(compiled(x), y).backward()
            optimiser.step()

    return steps


def main() -> None:
    kind, upsample, size, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer

    def answer(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    try:
        if kind == "torch":
            steps = torch_steps(upsample, size, count)
        else:
            steps = keras_steps(kind, upsample, size, count)
        steps(2)  # traced, compiled
    except Exception as error:
        answer(failed=(str(error).splitlines() or [type(error).__name__])[0][:200])
        return
    answer(loaded=True)
    for line in sys.stdin:
        number = json.loads(line)["time"]
        start = perf_counter()
        steps(number)
        answer(seconds=(perf_counter() - start) / number)


if __name__ == "__main__":
    main()
