"""Latency of a packaged network's files, each in a process of its own, for the cards."""

import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

RUNTIMES = ("LiteRT", "ONNX Runtime")
ORIGINAL = "original file"
ROUNDS = 20


def of_model(
    model: Any, shape: Sequence[int], original: pathlib.Path | None = None
) -> dict[str, Any]:
    """Minimum and median milliseconds of one image, by runtime, in interleaved rounds.

    Args:
        model: the network.
        shape: height, width, channels.
        original: the file that the network was read from, which is measured too.
    """
    from keras_upsample import export, runtimes

    with tempfile.TemporaryDirectory() as folder:
        targets = ["tflite", "onnx"]  # verified by a coarse gate, as they are only timed
        report = export.export(model, folder, targets, input_shape=tuple(shape), gate=1e-2)
        paths = [artefact.path for artefact in report.artefacts]
        names = [*RUNTIMES]
        if original is not None:
            paths.append(original)
            names.append(ORIGINAL)
        found = runtimes.benchmark(paths, names=names, rounds=ROUNDS, size=tuple(shape[:2]))
    return {
        "shape": list(shape),
        "threads": found.threads,
        **{t.name: _both([1e3 * s for s in t.seconds]) for t in found.timings},
    }


def of_ncnn(param: pathlib.Path, bin: pathlib.Path, height: int, width: int) -> dict[str, float]:
    """The same of an RGB image in ncnn, with ncnn's default options, after the others."""
    from keras_upsample.runtimes._runner import cpu_threads

    given = [str(n) for n in (param, bin, height, width, cpu_threads(), ROUNDS)]
    done = subprocess.run(
        [sys.executable, __file__, *given], capture_output=True, text=True, check=True
    )
    return _both(json.loads(done.stdout))


def rows(figures: dict[str, Any], last: str, where: str) -> list[str]:
    """The section of a card; nothing if nothing was measured.

    Args:
        figures: the family's.
        last: heading of the column of the original's runtime.
        where: the sentence that says which networks these are.
    """
    found = figures.get("latency")
    if not found:
        return []
    lines = [
        "",
        "## Latency",
        "",
        f"| network | pixels | LiteRT | ONNX Runtime | {last} |",
        "|---|---:|---:|---:|---:|",
    ]
    for weights, row in found.items():
        cells = [
            f"{row[name]['min']:.1f}, {row[name]['median']:.1f} ms" if name in row else "-"
            for name in (*RUNTIMES, ORIGINAL)
        ]
        height, width, _ = row["shape"]
        lines.append(f"| `{weights}` | {height} x {width} | {' | '.join(cells)} |")
    threads = next(iter(found.values()))["threads"]
    return [
        *lines,
        "",
        f"Minimum and median of one image in {ROUNDS} rounds, {threads} threads, each file in a "
        f"process of its own, {figures['dates']['latency']}. {where}",
    ]


def _both(milliseconds: Sequence[float]) -> dict[str, float]:
    import numpy as np

    return {"min": float(np.min(milliseconds)), "median": float(np.median(milliseconds))}


def _time_ncnn(param: str, bin: str, height: int, width: int, threads: int, rounds: int) -> None:
    """Prints the milliseconds of every round."""
    import importlib
    from time import perf_counter

    import numpy as np

    from keras_upsample.interchange.ncnn._param import parse

    ncnn: Any = importlib.import_module("ncnn")
    layers = parse(pathlib.Path(param).read_text(encoding="utf-8"))
    used = {blob for layer in layers for blob in layer.inputs}
    first = next(layer.outputs[0] for layer in layers if layer.kind == "Input")
    (last,) = (blob for layer in layers for blob in layer.outputs if blob not in used)
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = threads
    if net.load_param(param) or net.load_model(bin):
        raise OSError(f"{param} can't be loaded by ncnn.")
    image = np.random.default_rng(0).random((3, height, width), "float32")
    found = []
    for _ in range(rounds + 1):
        begin = perf_counter()
        extractor = net.create_extractor()
        extractor.input(first, ncnn.Mat(image).clone())
        failed, _ = extractor.extract(last)
        found.append(1e3 * (perf_counter() - begin))
        if failed:
            raise OSError(f"{param}: ncnn can't compute {last!r}.")
    print(json.dumps(found[1:]))  # the first one allocates


if __name__ == "__main__":
    _time_ncnn(*sys.argv[1:3], *map(int, sys.argv[3:]))
