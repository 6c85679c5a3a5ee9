"""How fast 8-bit files run against float32 ones of the same model, on this processor.

python benchmarks/int8_latency.py    # U-Net with MobileNetV2 encoder, LiteRT and ONNX Runtime

Files are converted without verification (random weights) and timed in turn, round by round.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _rounds import interleaved

ROUNDS = 15
SHAPE = (256, 256, 3)
PAIRS = (("tflite", "tflite_int8"), ("onnx", "onnx_int8"), ("openvino", "openvino_int8"))


def main() -> None:
    """Print a line for each upsampling technique and runtime."""
    for upsample in ("nearest", "bilinear"):
        for pair in PAIRS:
            print(line(upsample, pair), flush=True)


def line(upsample: str, pair: tuple[str, str]) -> str:
    """Milliseconds of both, and their ratio: of minima, of medians."""
    import keras

    from keras_upsample import runtimes, zoo
    from keras_upsample.data import photograph
    from keras_upsample.export import Options
    from keras_upsample.export._prepare import prepare
    from keras_upsample.formats._convert import convert
    from keras_upsample.program._program import program_of
    from keras_upsample.program._signature import signature_of
    from keras_upsample.targets import TARGETS

    keras.utils.set_random_seed(0)
    model = zoo.unet(SHAPE, 3, encoder="mobilenet_v2", upsample=upsample)
    signature = signature_of(model).fixed()
    image = photograph("coffee", SHAPE[:2])[None] / np.float32(255)
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, Callable[[], Any]] = {}
        for name in pair:
            path = Path(folder) / f"{name}{TARGETS[name].suffix}"
            ready = prepare(program_of(model, signature), TARGETS[name], None, Options())
            convert(ready.program, path, TARGETS[name], Options(), ready.feeds)
            runner = runtimes.load(path)
            feed = {runner.inputs[0].name: image}
            runs[name] = lambda r=runner, f=feed: r(f)
        times = interleaved(runs, ROUNDS)
    (least, middle), (least8, middle8) = (times[name] for name in pair)
    return (
        f"{upsample:<9} {pair[1]:<12} float32 {1e3 * least:6.1f} / {1e3 * middle:6.1f} ms  "
        f"8 bits {1e3 * least8:6.1f} / {1e3 * middle8:6.1f} ms  "
        f"{least / least8:.2f}x / {middle / middle8:.2f}x"
    )


if __name__ == "__main__":
    main()
