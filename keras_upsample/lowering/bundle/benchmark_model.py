#!/usr/bin/env python3
"""Times a .tflite file as LiteRT's benchmark_model does, and prints the times in its format.

For devices that have Python, NumPy and the package ai-edge-litert, and no such program.
"""

import argparse
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--graph", required=True, help="the .tflite file")
    parser.add_argument("--num_threads", type=int, default=1)
    parser.add_argument("--num_runs", type=int, default=50)
    parser.add_argument("--min_secs", type=float, default=1.0)
    parser.add_argument("--max_secs", type=float, default=150.0)
    parser.add_argument("--warmup_runs", type=int, default=1)
    parser.add_argument("--warmup_min_secs", type=float, default=0.5)
    options = parser.parse_args()
    start = time.perf_counter()
    interpreter = Interpreter(options.graph, num_threads=options.num_threads)
    interpreter.allocate_tensors()
    ready = 1e6 * (time.perf_counter() - start)
    rng = np.random.default_rng(0)
    for taken in interpreter.get_input_details():
        low, high = (0, 1) if np.issubdtype(taken["dtype"], np.floating) else (0, 100)
        values = rng.uniform(low, high, taken["shape"]).astype(taken["dtype"])
        interpreter.set_tensor(taken["index"], values)
    warm = _runs(interpreter, options.warmup_runs, options.warmup_min_secs, options.max_secs)
    runs = _runs(interpreter, options.num_runs, options.min_secs, options.max_secs)
    print(
        f"INFO: Inference timings in us: Init: {ready:.0f}, First inference: {warm[0]}, "
        f"Warmup (avg): {np.mean(warm):.6g}, Inference (avg): {np.mean(runs):.6g}"
    )


def _runs(interpreter: Interpreter, number: int, least: float, most: float) -> list[int]:
    """The microseconds of each run; prints a line on them."""
    times: list[int] = []
    start = time.perf_counter()
    while True:
        spent = time.perf_counter() - start
        if (len(times) >= max(1, number) and spent >= least) or (times and spent > most):
            break
        begin = time.perf_counter_ns()
        interpreter.invoke()
        times.append(max(1, round((time.perf_counter_ns() - begin) / 1e3)))
    if min(times) == max(times):
        print(f"INFO: count={len(times)} curr={times[-1]}")
    else:
        print(
            f"INFO: count={len(times)} first={times[0]} curr={times[-1]} min={min(times)} "
            f"max={max(times)} avg={np.mean(times):.6g} std={np.std(times):.0f}"
        )
    return times


if __name__ == "__main__":
    main()
