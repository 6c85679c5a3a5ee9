"""ONNX files of PyTorch read by `from_onnx`, against PyTorch's own outputs: a row a file.

python benchmarks/interchange.py FOLDER      # of name.onnx, each with name.npz: x and y of PyTorch

The files of the table in docs/interchange.md: PyTorch nets with seeded random weights, hand-written
ones and decoders of segmentation_models.pytorch, written by both of PyTorch's exporters.
"""

import argparse
import os
from collections import Counter
from pathlib import Path
from time import perf_counter

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HEAD = "| file | error | seconds | Transpose | trainable weights |\n|---|---:|---:|---:|---:|"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    files = sorted(parser.parse_args().folder.glob("*.onnx"))
    print(HEAD)
    counts: Counter[str] = Counter()
    for file in files:
        outcome, row = read(file)
        counts[outcome] += 1
        print(row, flush=True)
    print("\n" + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


def read(file: Path) -> tuple[str, str]:
    """One file: "equal" within 1e-5 of the range, "wrong", or "refused", and its row."""
    import keras

    from keras_upsample.errors import ArtefactError, VerificationError
    from keras_upsample.interchange import from_onnx

    with np.load(file.with_suffix(".npz")) as given:
        x, y = given["x"], given["y"]
    begin = perf_counter()
    try:
        model = from_onnx(file, input_shape=(*x.shape[2:], x.shape[1]))
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
    return ("equal" if error <= 1e-5 else "wrong"), row


if __name__ == "__main__":
    main()
