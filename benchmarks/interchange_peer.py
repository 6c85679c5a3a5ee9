"""TFLite files made of ONNX files by this package and by onnx2tf: operators, errors and latency.

python benchmarks/interchange_peer.py FOLDER PEER [--rounds N] [--only NAME]

FOLDER holds name.onnx, each with name.npz (x and y of PyTorch). PEER holds what onnx2tf writes,
name/name_float32.tflite, in an environment of its own:

    pip install onnx2tf
    for f in FOLDER/*.onnx; do onnx2tf -i $f -o PEER/$(basename $f .onnx); done

Every file is run with PyTorch's input by LiteRT on one thread, in a process of its own; the two
files of a net in turn, round by round. The error is against PyTorch's output, as a part of its
range.
"""

import argparse
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HEAD = """\
| file | operators (TRANSPOSE): ours | onnx2tf | error: ours | onnx2tf | ms: ours | onnx2tf | x |
|---|---:|---:|---:|---:|---:|---:|---:|"""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("peer", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="the net of this name")
    options = parser.parse_args()
    print(HEAD)
    ratios = []
    for file in sorted(options.folder.glob("*.onnx")):
        theirs = options.peer / file.stem / f"{file.stem}_float32.tflite"
        if options.only in ("", file.stem) and theirs.is_file():
            line, ratio = compared(file, theirs, options.rounds)
            ratios.append(ratio)
            print(line, flush=True)
    if ratios:
        slower, faster = sum(r < 1 / 1.03 for r in ratios), sum(r >= 1.1 for r in ratios)
        print(
            f"\n{len(ratios)} nets: {slower} slower by more than 3%, {faster} faster by 10% and "
            f"more; geometric mean of the ratios {np.exp(np.mean(np.log(ratios))):.2f}"
        )


def compared(file: Path, theirs: Path, rounds: int) -> tuple[str, float]:
    """The row of one net, and onnx2tf's time over ours, of minima."""
    from _runner_process import processes, times

    from keras_upsample.export import to_tflite
    from keras_upsample.interchange import from_onnx

    with np.load(file.with_suffix(".npz")) as given:
        x, y = given["x"], given["y"]
    model = from_onnx(file, input_shape=(*x.shape[2:], x.shape[1]))
    image = np.moveaxis(x, 1, -1)
    wanted = np.moveaxis(y, 1, -1) if y.ndim == 4 else y
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / "ours.tflite"
        to_tflite(model, ours, images=[image[0]])
        files = {"ours": ours, "onnx2tf": theirs}
        with processes(files, threads=1) as runners:
            errors = {}
            for name, runner in runners.items():
                answer, why = runner.run(image, Path(folder))
                errors[name] = why or _error(answer, y if answer.shape == y.shape else wanted)
            found = times(runners, rounds)
        counts = [_operators(path) for path in files.values()]
    ratio = found["onnx2tf"][0] / found["ours"][0]
    medians = found["onnx2tf"][1] / found["ours"][1]
    cells: list[Any] = [file.stem, *counts, *errors.values()]
    cells += [f"{1e3 * low:.1f} / {1e3 * middle:.1f}" for low, middle in found.values()]
    return "| " + " | ".join(map(str, cells)) + f" | {ratio:.2f} / {medians:.2f} |", ratio


def _error(answer: np.ndarray, wanted: np.ndarray) -> str:
    return f"{np.abs(answer - wanted).max() / np.ptp(wanted):.0e}"


def _operators(path: Path) -> str:
    from keras_upsample.edge._file import read

    kinds = Counter(operator.name for operator in read(path).operators)
    return f"{sum(kinds.values())} ({kinds['TRANSPOSE']})"


if __name__ == "__main__":
    main()
