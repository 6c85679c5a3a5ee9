"""Keras' export and ours: the process that runs a file, and the tables, on made-up results."""

import importlib
import pathlib
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
OURS = ("_compared_tables", "_compared_nets", "_runner_process", "_page")


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    yield
    for name in OURS:
        sys.modules.pop(name, None)


def onnx_file(path, size):
    """y = 2 x, of a height of `size` or, by a name, of any."""
    import onnx
    from onnx import TensorProto, helper

    shape = [None, size, 3]
    two = helper.make_tensor("two", TensorProto.FLOAT, [], [2.0])
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "two"], ["y"])],
        "doubled",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [two],
    )
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return path


def test_runner_process(tmp_path):
    module = importlib.import_module("_runner_process")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    files = {"fixed": onnx_file(tmp_path / "a.onnx", 5), "broken": broken}
    files["open"] = onnx_file(tmp_path / "b.onnx", "height")
    x = np.random.default_rng(0).random((2, 5, 3), "float32")
    with module.processes(files) as runners:
        assert runners["broken"].failed and not runners["fixed"].failed
        answer, why = runners["fixed"].run(x, tmp_path)
        np.testing.assert_array_equal(answer, 2 * x)
        assert why == {}
        answer, why = runners["fixed"].run(x[:, :4], tmp_path)
        assert answer is None and "takes" in why["fixed"]
        answer, _ = runners["open"].run(x[:, :4], tmp_path)
        np.testing.assert_array_equal(answer, 2 * x[:, :4])
        able = {name: runners[name] for name in ("fixed", "open")}
        able["fixed"].run(x, tmp_path)
        found = module.times(able, 2)
    assert all(0 < low <= middle for low, middle in found.values())


def row(error=1e-7, decibel=120.0, *, seconds=1.0, ours=False):
    """What one file did."""
    return {
        "written": True, "why": "", "verified": ours, "says_scaling": ours, "bytes": 2_000_000,
        "foreign": [], "runs": {"one": {"error": error, "decibel": decibel}},
        "seconds": [seconds, 2 * seconds],
    }  # fmt: skip


def made_up():
    kinds = ("tflite", "onnx", "saved_model")
    good = {
        kind: {"keras": row(seconds=3.0), "ours": row(seconds=2.0, ours=True)} for kind in kinds
    }
    bad = {kind: {"keras": row(error=2e-4), "ours": row(ours=True)} for kind in kinds}
    foreign = {"failed": "not supported"}
    bad["tflite"]["keras"] |= {"runs": {"one": foreign}, "foreign": ["FlexConv2D"]}
    del bad["tflite"]["keras"]["seconds"]
    refused = {"written": False, "why": "'logits' has 9.1 dB, at least 30 dB are needed."}
    on_cpu = {"operators": 9, "left": 2, "kinds": ["TILE"], "ms": None}
    whole = {"operators": 8, "left": 0, "kinds": [], "ms": 1.25}
    names = ("ethos_u55_128", "ethos_u85_256", "edge_tpu")
    devices = {"keras": dict.fromkeys(names, on_cpu), "ours": dict.fromkeys(names, whole)}
    rest = {"model_error": 1e-6, "devices": devices}
    good["int8"] = {"keras": row(decibel=36.0), "ours": row(decibel=38.0)}
    bad["int8"] = {"keras": row(decibel=8.0), "ours": refused}
    return {"a": {"title": "good", **good, **rest}, "b": {"title": "bad", **bad, **rest}}


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_summary():
    _, _, right, verified, scaling, speed, integers, whole = cells(
        importlib.import_module("_compared_tables").summary(made_up())
    )
    assert right[1:] == ["3 of 6", "6 of 6"]
    assert verified[1:] == scaling[1:] == ["0 of 6", "6 of 6"]
    # 1.5, and for ONNX the mean of 1.5 and 1: no ratio without a file that runs.
    assert speed[1:] == ["1.50 (1.50 to 1.50); 1.22 (1.00 to 1.50)", "1; 1"]
    assert integers[1:] == ["1 of 2; 1 written below that", "1 of 2; 1 refused"]
    assert whole[1:] == ["0 of 2", "2 of 2"]


def test_long_tables():
    module = importlib.import_module("_compared_tables")
    table = cells(module.files(made_up()))
    assert ["bad", "TFLite", "Keras", "does not run: FlexConv2D"] in [line[:4] for line in table]
    assert ["bad", "ONNX", "Keras", "**2.0e-04**"] in [line[:4] for line in table]
    table = cells(module.integers(made_up()))
    assert ["bad", "Keras", "**8.0 dB**", "2 of 9 left (TILE)"] in [line[:4] for line in table]
    assert ["bad", "this package", "refused: 9.1 dB", "0 of 8 left, 1.2 ms"] in [
        line[:4] for line in table
    ]
    assert ["good", "1.50 / 1.50", "1.50 / 1.50", "1.50 / 1.50"] in cells(module.times(made_up()))
