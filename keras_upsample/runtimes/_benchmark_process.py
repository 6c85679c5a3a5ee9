"""`python -m keras_upsample.runtimes._benchmark_process FILE THREADS TRUST`: times one file.

Questions come as lines of JSON on the standard input, `{"size": [H, W]}` once and `{"run": true}`
for each round; answers go to the standard output, after a mark, as runtimes may write there too.
"""

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from .._text import printable
from ..errors import first_line
from ._benchmark import MARK
from ._load import default_runtime, load
from ._runner import Runner, TensorInfo

_ENOUGH = 0.05
"""Seconds of calls in a round."""

_CHANNELS = 3
"""Where a file leaves them open."""


def main() -> None:
    """In the process of its own: load, then answer until the input ends."""
    path, threads, trust = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1"
    try:
        _answer_all(path, threads, trust)
    except Exception as error:  # TensorFlow's, ONNX Runtime's and LiteRT's share no class
        said, shown = first_line(error), printable(path)
        _say({"error": said if shown in said else f"`{shown}` can't be run: {said}"})


def _answer_all(path: Path, threads: int, trust: bool) -> None:
    runtime = default_runtime(path)
    if runtime == "tensorflow":
        import tensorflow as tf

        # Its own pools, which no later call can change.
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    runner = load(path, runtime=runtime, threads=threads, trust=trust)
    _say({"runtime": runner.runtime, "size": _fixed_size(runner)})
    feeds: dict[str, np.ndarray] = {}
    for line in sys.stdin:
        question = json.loads(line)
        if "size" in question:
            feeds = {
                info.name: _noise(info, shape_of(info, runner.layout, question["size"]))
                for info in runner.inputs
            }
            runner(feeds)
            _say({"inputs": {name: value.shape for name, value in feeds.items()}})
        else:
            _say({"seconds": _seconds(runner, feeds)})


def _fixed_size(runner: Runner) -> tuple[int, int] | None:
    """Height and width of the first input, where they are fixed and the layout says which."""
    shape = runner.inputs[0].shape
    if len(shape) < 4 or not runner.layout_known:
        return None
    height, width = shape[-2:] if runner.layout == "nchw" else shape[-3:-1]
    return None if height is None or width is None else (height, width)


def shape_of(info: TensorInfo, layout: str, size: tuple[int, int]) -> tuple[int, ...]:
    """The shape that an input is given: open axes take batch 1, 3 channels, and the size.

    (None, None, None, 3) at 64x96 -> (1, 64, 96, 3). Axes beyond the image's two take the height.
    """
    rank = len(info.shape)
    unknown = [axis for axis in range(1, rank) if info.shape[axis] is None]
    channel = 1 if layout == "nchw" and rank >= 4 else rank - 1
    if len(unknown) == 2 or rank < 3:  # height and width, whichever the layout is
        channel = 0
    spatial = [axis for axis in unknown if axis != channel]
    result = []
    for axis, given in enumerate(info.shape):
        if given is not None:
            result.append(given)
        elif axis == 0:
            result.append(1)
        elif axis == channel:
            result.append(_CHANNELS)
        else:
            result.append(size[1] if len(spatial) > 1 and axis == spatial[-1] else size[0])
    return tuple(result)


def _noise(info: TensorInfo, shape: tuple[int, ...]) -> np.ndarray:
    """Floats in [0, 1], bytes of any value, other integers 0 or 1.

    Raises:
        ValueError: the input takes no numbers.
    """
    rng = np.random.default_rng(0)
    if info.dtype.kind not in "buif":
        raise ValueError(f"its input {info.name!r} takes {info.dtype}, no numbers")
    if info.dtype.itemsize == 1 and info.dtype.kind in "iu":
        ends = np.iinfo(info.dtype)
        return rng.integers(ends.min, ends.max, shape, info.dtype, endpoint=True)
    return (
        rng.random(shape, "float32").round(0 if info.dtype.kind in "bui" else 8).astype(info.dtype)
    )


def _seconds(runner: Runner, feeds: dict[str, Any]) -> float:
    """Of one call: the mean of as many as take 50 ms, after one that wakes the threads up."""
    start = perf_counter()
    runner(feeds)
    calls = max(1, int(_ENOUGH / max(perf_counter() - start, 1e-6)))
    start = perf_counter()
    for _ in range(calls):
        runner(feeds)
    return (perf_counter() - start) / calls


def _say(facts: dict[str, Any]) -> None:
    print(f"\n{MARK} {json.dumps(facts)}", flush=True)


if __name__ == "__main__":
    main()
