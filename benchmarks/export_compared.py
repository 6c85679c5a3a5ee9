"""Keras' own export and this package's, on the same networks.

python benchmarks/export_compared.py [--only NAME] [--rounds N] [--times | --table]

Six networks of Keras' own layers (`_compared_nets.py`) are exported by `model.export` of Keras and
by `keras_upsample.export`. Every file then runs in its own runtime by that runtime's own interface
(`_plain_runner.py`), in a process of its own, on photographs: one, a batch of two, and other pixels
where the network takes any. Answers are compared with the network in float64. Files are timed in
interleaved rounds. Writes `results/export_compared.json` and the tables of `docs/keras-export.md`.
"""

import argparse
import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _compared_exports import DEVICES, FORMATS, PHOTOGRAPHS, export_by_keras, export_here, plain

RESULTS = Path(__file__).with_name("results") / "export_compared.json"


def main() -> None:
    """Command line."""
    from _compared_nets import NETS
    from _compared_tables import write_tables

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", choices=["", *NETS], help="one network")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--times", action="store_true", help="measure times alone, keep the rest")
    parser.add_argument("--table", action="store_true", help="measure nothing, write the tables")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in NETS:
        if options.only in ("", name) and not options.table:
            found = measured(name, options.rounds, times_alone=options.times)
            if options.times:
                _take_times(results[name], found)
            else:
                results[name] = found
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            print(name, "measured", flush=True)
    write_tables(results)


def _take_times(results: dict[str, Any], found: dict[str, Any]) -> None:
    for kind in FORMATS:
        for maker, row in found[kind].items():
            if "seconds" in row:
                results[kind][maker]["seconds"] = row["seconds"]
    results["date_of_times"] = found["date"]


def measured(name: str, rounds: int, *, times_alone: bool) -> dict[str, Any]:
    """Everything about one network, or of the float files alone what times need."""
    import keras
    from _compared_nets import NETS

    from keras_upsample.export._report import package_versions
    from keras_upsample.lowering._tuning_cache import processor
    from keras_upsample.runtimes._runner import cpu_threads

    net = NETS[name]
    keras.utils.set_random_seed(0)
    model = net.build()
    model.predict(np.zeros((1, *net.size, 3), "float32"), verbose=0)  # Keras asks for it
    cases = dict(_cases(net))
    truths = _in_float64(net, model, cases)
    found: dict[str, Any] = {
        "title": net.title,
        "date": str(date.today()),
        "processor": processor(),
        "threads": cpu_threads(),
        "versions": package_versions(),
        "model_error": _error(np.asarray(model(cases["one"], training=False)), truths["one"]),
    }
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        files = {
            "keras": export_by_keras(net, model, place, times_alone),
            "ours": export_here(net, model, place, times_alone),
        }
        for kind, by_keras in files["keras"].items():
            row = {"keras": by_keras, "ours": files["ours"][kind]}
            found[kind] = _run(row, cases, truths, place, rounds)
        if not times_alone:
            found["devices"] = {
                maker: {device: _on_device(files[maker], device) for device in DEVICES}
                for maker in files
            }
    return found


def _cases(net: Any) -> Iterator[tuple[str, np.ndarray]]:
    from keras_upsample.data import photograph

    low, high = net.value_range

    def photographs(size: tuple[int, int], names: tuple[str, ...]) -> np.ndarray:
        pictures = np.stack([photograph(name, size) for name in names]) / np.float32(255)
        return (low + (high - low) * pictures).astype("float32")

    yield "one", photographs(net.size, PHOTOGRAPHS[:1])
    yield "two", photographs(net.size, PHOTOGRAPHS[1:])
    if net.other_size:
        yield "other size", photographs(net.other_size, PHOTOGRAPHS[:1])


def _in_float64(net: Any, model: Any, cases: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The network's answers, computed by one of the same weights that was built in float64."""
    import keras

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        double = net.build()
        double.set_weights(model.get_weights())
        return {
            name: np.asarray(double(x.astype("float64"), training=False))
            for name, x in cases.items()
        }
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


def _error(answer: np.ndarray, truth: np.ndarray) -> float:
    """Largest difference, as a share of the range of what is right."""
    return float(np.abs(answer - truth).max() / np.ptp(truth))


def _decibel(answer: np.ndarray, truth: np.ndarray) -> float:
    return float(10 * np.log10(truth.var() / np.mean((answer - truth) ** 2)))


def _run(
    files: dict[str, dict[str, Any]],
    cases: dict[str, np.ndarray],
    truths: dict[str, np.ndarray],
    folder: Path,
    rounds: int,
) -> dict[str, Any]:
    """What one format's files do, by maker."""
    from _runner_process import processes, times

    found: dict[str, Any] = {
        maker: {"written": bool(facts["path"]), "why": facts.get("why", "")}
        | {"verified": facts.get("verified", False)}
        for maker, facts in files.items()
    }
    paths = {maker: Path(facts["path"]) for maker, facts in files.items() if facts["path"]}
    with processes(paths) as runners:
        for maker, runner in runners.items():
            row = found[maker]
            row |= _file_facts(paths[maker])
            row["runs"] = {}
            for case in reversed(cases):  # one photograph is the last, which is timed
                answer, why = runner.run(cases[case], folder)
                row["runs"][case] = why or {
                    "error": _error(answer, truths[case]),
                    "decibel": _decibel(answer, truths[case]),
                }
        able = {m: r for m, r in runners.items() if "error" in found[m]["runs"]["one"]}
        for maker, seconds in times(able, rounds).items():
            found[maker]["seconds"] = seconds
    return found


def _file_facts(path: Path) -> dict[str, Any]:
    """Size, operators outside the runtime's own, and what the file says of its values."""
    from keras_upsample import metadata

    facts = metadata.read(path)
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return {
        "bytes": sum(p.stat().st_size for p in files),
        "foreign": _foreign_operators(path),
        "says_scaling": bool(facts and facts.inputs and facts.inputs[0].scaling),
        "says_output": bool(facts and facts.outputs and facts.outputs[0].kind),
        "says_classes": bool(facts and facts.class_names),
    }


def _foreign_operators(path: Path) -> list[str]:
    if path.suffix == ".tflite":
        from keras_upsample.edge._file import read

        return sorted({op.name for op in read(path).operators if op.custom})
    if path.suffix == ".onnx":
        import onnx

        nodes = onnx.load(str(path)).graph.node
        return sorted({n.op_type for n in nodes if n.domain not in ("", "ai.onnx")})
    return []


def _on_device(files: dict[str, dict[str, Any]], device: str) -> dict[str, Any]:
    """Operators in the int8 file, those left on the CPU and their kinds, the estimate."""
    from keras_upsample.edge import check
    from keras_upsample.errors import ArtefactError

    facts = files.get(device, files["int8"])
    if not facts["path"]:
        return {"why": facts["why"]}
    try:
        report = facts.get("check") or check(facts["path"], device)
    except ArtefactError as error:
        return {"why": plain(str(error))}
    estimate = next((note for note in report.notes if " ms" in note), "")
    return {
        "operators": len(report.placements),
        "left": len(report.left),
        "kinds": sorted({p.operator for p in report.left}),
        "reason": next((p.reason for p in report.left), ""),
        "ms": float(estimate.split(": ")[1].split(" ms")[0]) if estimate else None,
    }


if __name__ == "__main__":
    main()
