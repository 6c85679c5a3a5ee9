"""ONNX files of PyTorch read by `from_onnx`, against PyTorch's own outputs: a row a file.

python benchmarks/interchange.py FOLDER      # of name.onnx, each with name.npz: x and y of PyTorch
python benchmarks/interchange.py FOLDER --files "*mit_b0" "DPT*" --tflite     # and each exported

The files of the table in docs/interchange.md: PyTorch nets with seeded random weights, hand-written
ones and decoders of segmentation_models.pytorch, written by both of PyTorch's exporters.
"""

import argparse
import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HEAD = "| file | error | seconds | Transpose | trainable weights |\n|---|---:|---:|---:|---:|"
OF_TFLITE = " TFLite operators | TRANSPOSE | error |", "---:|---:|---:|"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", nargs="+", default=["*"], help="patterns of names")
    parser.add_argument("--tflite", action="store_true", help="export, and count operators")
    parser.add_argument(
        "--open", action="store_true", help="leave heights and widths open, as the files do"
    )
    args = parser.parse_args()
    found = {file for each in args.files for file in args.folder.glob(f"{each}.onnx")}
    files = sorted(found)
    head = HEAD.split("\n")
    print("\n".join(a + b for a, b in zip(head, OF_TFLITE, strict=True)) if args.tflite else HEAD)
    counts: Counter[str] = Counter()
    for file in files:
        outcome, row = read(file, args.tflite, args.open)
        counts[outcome] += 1
        print(row, flush=True)
    print("\n" + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


def read(file: Path, tflite: bool = False, open_sizes: bool = False) -> tuple[str, str]:
    """One file: "equal" within 1e-5 of the range, "wrong", or "refused", and its row."""
    import keras

    from keras_upsample.errors import ArtefactError, VerificationError
    from keras_upsample.interchange import from_onnx

    with np.load(file.with_suffix(".npz")) as given:
        x, y = given["x"], given["y"]
    begin = perf_counter()
    try:
        model = from_onnx(file, input_shape=None if open_sizes else (*x.shape[2:], x.shape[1]))
    except (ArtefactError, VerificationError) as error:
        why = str(error).partition("`: ")[2].partition(". Nothing")[0]
        return "refused", f"| {file.stem} | {why} | | | |"
    seconds = perf_counter() - begin
    found = np.asarray(keras.tree.flatten(model(np.moveaxis(x, 1, -1), training=False))[0])
    wanted = np.moveaxis(y, 1, -1) if y.ndim == 4 else y
    error = float(np.abs(found - wanted).max() / np.ptp(wanted))
    moves = sum(type(op).__name__ == "Transpose" for op in model.operations)
    weights = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    row = f"| {file.stem} | {error:.1e} | {seconds:.1f} | {moves} | {weights:,} |"
    if tflite:
        row += exported(model, np.moveaxis(x, 1, -1), wanted)
    return ("equal" if error <= 1e-5 else "wrong"), row


def exported(model: Any, x: np.ndarray, wanted: np.ndarray) -> str:
    """Operators and TRANSPOSE of the model's TFLite file, and its error against PyTorch."""
    from keras_upsample import export, runtimes
    from keras_upsample.edge._file import read as facts_of

    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        export.to_tflite(model, path)
        names = Counter(operator.name for operator in facts_of(path).operators)
        found = np.asarray(
            next(iter(runtimes.load(path, trust=True)({model.inputs[0].name: x}).values()))
        )
    error = float(np.abs(found - wanted).max() / np.ptp(wanted))
    return f" {names.total()} | {names['TRANSPOSE']} | {error:.1e} |"


if __name__ == "__main__":
    main()
