"""Segmenters of keras-hub, exported by Keras and by this package: a row a network and format.

python benchmarks/hub_exports.py [NET ...] [--page docs/keras-hub.md]     # pip install keras-hub

Each file is run in its own runtime, on one image of noise, and compared with the model. The error
is the largest difference by the range of the model's output. The rows of other networks in the
page stay.
"""

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _hub_nets import NETS, network
from _page import END, put_table

BEGIN = "<!-- Printed by `python benchmarks/hub_exports.py`. -->"
HEAD = (
    "| network | format | operators by Keras | error by Keras | operators here | error here |\n"
    "|---|---|---:|---:|---:|---:|"
)
SHOWN = 200  # characters of an error
FORMATS = {"TFLite": ("litert", "tflite"), "ONNX": ("onnx", "onnx")}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="*", metavar="NET", help=f"{', '.join(NETS)} (all)")
    parser.add_argument("--page", type=Path, help="page whose table is written anew")
    options = parser.parse_args()
    if unknown := set(options.nets) - set(NETS):
        parser.error(f"unknown network {', '.join(sorted(unknown))}; there are {', '.join(NETS)}")
    rows = rows_in(options.page) if options.page else {}
    print(HEAD)
    for name in options.nets or NETS:
        rows[name] = rows_of(name)
        print(*rows[name], sep="\n", flush=True)
        if options.page:
            lines = [line for each in NETS if each in rows for line in rows[each]]
            put_table(options.page, BEGIN, "\n".join([HEAD, *lines]))


def rows_in(page: Path) -> dict[str, list[str]]:
    """Rows that the page has, by the network."""
    rows: dict[str, list[str]] = {}
    for line in page.read_text().partition(BEGIN)[2].partition(END)[0].splitlines():
        name = line.removeprefix("| ").partition(" | ")[0]
        if name in NETS:
            rows.setdefault(name, []).append(line)
    return rows


def rows_of(name: str) -> list[str]:
    """One network in both formats."""
    model = network(name)
    shape = tuple(model.inputs[0].shape[1:])
    image = np.random.default_rng(2).random((1, *shape), "float32")
    wanted = flat(model(image, training=False))
    with tempfile.TemporaryDirectory() as folder:
        return [row(name, model, label, Path(folder), image, wanted) for label in FORMATS]


def row(
    name: str, model: Any, label: str, folder: Path, image: np.ndarray, wanted: list[np.ndarray]
) -> str:
    """One network in one format."""
    kind, suffix = FORMATS[label]
    by_keras, here = folder / f"keras.{suffix}", folder / f"here.{suffix}"
    theirs = outcome(lambda: by_keras_export(model, by_keras, kind), by_keras, image, wanted)
    ours = outcome(lambda: export_here(model, here, suffix), here, image, wanted)
    return f"| {name} | {label} | {theirs} | {ours} |"


def by_keras_export(model: Any, path: Path, kind: str) -> None:
    """`model.export` as its documentation shows it."""
    model.export(str(path), format=kind, verbose=False)


def export_here(model: Any, path: Path, suffix: str) -> None:
    """By default."""
    from keras_upsample import export

    {"tflite": export.to_tflite, "onnx": export.to_onnx}[suffix](model, path)


def outcome(write: Any, path: Path, image: np.ndarray, wanted: list[np.ndarray]) -> str:
    """`operators | error`, or why there is no file."""
    try:
        write()
    except Exception as error:  # converters raise kinds of their own
        return f"no file | {_why(error)}"
    try:
        operators, found = run(path, image)
    except Exception as error:  # so do runtimes
        return f"not run | {_why(error)}"
    return f"{operators} | {worst(found, wanted)}"


def _why(error: Exception) -> str:
    """What a cell can hold of an error; the whole goes to the standard error."""
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    line = str(error).strip().splitlines()[0].replace("|", "/")
    return re.sub(r"Load model from \S+ failed:", "", line)[:SHOWN]


def run(path: Path, image: np.ndarray) -> tuple[int, list[np.ndarray]]:
    """Operators of a file, and what it makes of an image, by the runtime alone."""
    if path.suffix == ".onnx":
        import onnx
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        found = session.run(None, {session.get_inputs()[0].name: image})
        return len(onnx.load(str(path)).graph.node), found
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    (taken,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(taken["index"], image.shape)
    interpreter.allocate_tensors()
    operators = len(interpreter._get_ops_details())
    interpreter.set_tensor(taken["index"], image)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return operators, [interpreter.get_tensor(each["index"]) for each in details]


def flat(outputs: Any) -> list[np.ndarray]:
    """Outputs as arrays."""
    import keras

    return [np.asarray(x) for x in keras.tree.flatten(outputs)]


def worst(found: list[np.ndarray], wanted: list[np.ndarray]) -> str:
    """The largest error; outputs of several are told apart by their values, not their order."""
    errors = []
    for array in wanted:
        fitting = [x for x in found if x.shape == array.shape]
        if not fitting:
            return f"shapes {[x.shape for x in found]}"
        reach = float(np.ptp(array)) or 1.0
        errors.append(min(float(np.abs(x - array).max()) / reach for x in fitting))
    return f"{max(errors):.1e}"


if __name__ == "__main__":
    main()
