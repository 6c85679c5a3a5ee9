"""What a technique costs: counted, exported and verified, timed in each runtime."""

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .techniques import SIZE, Technique
from .training import weights_file

FORMATS = {"tflite": ".tflite", "onnx": ".onnx"}
RUNTIMES = {"litert": "tflite", "onnxruntime": "onnx", "openvino": "onnx"}
"""Runtime -> the file that it is given."""


def counted(row: Technique, filters: tuple[int, ...]) -> dict[str, int]:
    """Parameters, and multiply-adds at `SIZE`."""
    import keras_upsample as ku

    model = row.build(filters)
    return {
        "parameters": model.count_params(),
        "multiply_adds": ku.zoo.multiply_adds(model, SIZE),
    }


def exported(
    row: Technique, store: Any, weights: Path, folder: Path, images: list[np.ndarray]
) -> dict[str, Any]:
    """The trained network as a file of each format, verified on images and noise.

    Returns:
        Format -> bytes, number of operators, largest error by runtime; or why there is no file.
    """
    import keras_upsample as ku
    from keras_upsample.errors import ExportError

    path = weights_file(weights, row, store.budget)
    if not path.exists():
        raise SystemExit(
            f"The weights of {row.name!r} are not in {weights.name}/. Run "
            f"`python benchmarks/upsamplers.py train --again {row.name!r}` first."
        )
    model = row.build(store.budget.filters)
    model.load_weights(path)
    results: dict[str, Any] = {}
    for name in FORMATS:
        file = file_of(folder, row, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        write: Callable[..., Any] = getattr(ku.export, f"to_{name}")
        try:
            report = write(model, file, input_shape=SIZE, batch_size=1, images=images)
        except ExportError as error:
            results[name] = {"failure": str(error).splitlines()[0]}
            continue
        results[name] = {
            "bytes": report.file_size,
            "operators": sum(report.operators.values()),
            "error": {check.runtime: check.max_error for check in report.verifications},
        }
    return results


def file_of(folder: Path, row: Technique, name: str) -> Path:
    """Where a format's file lies."""
    return folder / f"{row.name.replace(', ', '_')}{FORMATS[name]}"


def timed(rows: list[Technique], folder: Path, rounds: int, tell: Any) -> dict[str, Any]:
    """Every file in every runtime here, one thread, interleaved: each technique once a round.

    Returns:
        Runtime -> its version, and (minimum, median) milliseconds by technique.
    """
    from _rounds import interleaved

    from keras_upsample.runtimes import available, load

    image = np.random.default_rng(0).random((1, *SIZE), "float32")
    results: dict[str, Any] = {}
    for runtime, name in RUNTIMES.items():
        if not available()[runtime]:
            continue
        tell(runtime)
        candidates, versions = {}, set()
        for row in rows:
            file = file_of(folder, row, name)
            if not file.exists():
                continue
            runner = load(file, runtime=runtime, threads=1)
            versions.add(runner.runtime)
            feeds = {runner.inputs[0].name: image}
            candidates[row.name] = lambda runner=runner, feeds=feeds: runner(feeds)
        times = interleaved(candidates, rounds)
        results[runtime] = {
            "version": ", ".join(sorted(versions)),
            "ms": {name: [round(1e3 * t, 4) for t in pair] for name, pair in times.items()},
        }
    return results


def machine() -> str:
    """The processor in words."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} processors"
