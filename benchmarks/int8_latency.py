"""How fast 8-bit files run against float32 ones of the same model, on this processor.

python benchmarks/int8_latency.py    # U-Net with MobileNetV2 encoder, LiteRT and ONNX Runtime

Files are converted without verification (random weights) and timed in turn, round by round. The
float32 file is there twice: with the forms of the target's table, which has the same convolutions
as the 8-bit file, and with those that an export takes by default.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _rounds import interleaved
from _unverified import write_file

ROUNDS = 15
SHAPE = (256, 256, 3)
PAIRS = (("tflite", "tflite_int8"), ("onnx", "onnx_int8"), ("openvino", "openvino_int8"))


def main() -> None:
    """Print a line for each upsampling technique and runtime."""
    for upsample in ("nearest", "bilinear"):
        for pair in PAIRS:
            print(line(upsample, pair), flush=True)


def line(upsample: str, pair: tuple[str, str]) -> str:
    """Milliseconds of each file, and the ratios to 8 bits: of minima, of medians."""
    import keras

    from keras_upsample import runtimes, zoo
    from keras_upsample.data import photograph
    from keras_upsample.targets import TARGETS

    keras.utils.set_random_seed(0)
    model = zoo.unet(SHAPE, 3, encoder="mobilenet_v2", upsample=upsample)
    image = photograph("coffee", SHAPE[:2])[None] / np.float32(255)
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, Callable[[], Any]] = {}
        floats, integers = pair
        files = (("table", floats, "table"), ("default", floats, None), ("8 bits", integers, None))
        for kind, name, profile in files:
            path = Path(folder) / f"{kind}{TARGETS[name].suffix}"
            write_file(model, name, path, profile=profile)
            runner = runtimes.load(path)
            feed = {runner.inputs[0].name: image}
            runs[kind] = lambda r=runner, f=feed: r(f)
        times = interleaved(runs, ROUNDS)
    cells = [
        f"{kind} {1e3 * least:.1f} / {1e3 * middle:.1f} ms"
        for kind, (least, middle) in times.items()
    ]
    least8, middle8 = times.pop("8 bits")
    cells += [f"{a / least8:.2f}x / {b / middle8:.2f}x of {k}" for k, (a, b) in times.items()]
    return "  ".join([f"{upsample:<9} {integers:<12}", *cells])


if __name__ == "__main__":
    main()
