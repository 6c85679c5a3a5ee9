"""What a foreign file may make its reader compute."""

import numpy as np
import pytest
from onnx import helper
from onnx_files import net

from keras_upsample import interchange
from keras_upsample.errors import ArtefactError
from keras_upsample.interchange import _fold, _net
from keras_upsample.runtimes import _first_load


def largest_added(shape, kind="ConstantOfShape"):
    """Nodes that make an array of constants and add its largest value to the image."""
    first = (kind, ["shape"], ["c"], {}) if kind != "Expand" else (kind, ["k", "shape"], ["c"], {})
    more = [("ReduceMax", ["c"], ["m"], {"keepdims": 0}), ("Add", ["x", "m"], ["y"], {})]
    return [first, *more], {"shape": np.array(shape, "int64"), "k": np.float32(2)}


@pytest.mark.parametrize("kind", ["ConstantOfShape", "Expand"])
def test_constants_of_terabytes(kind, tmp_path):
    path = net(tmp_path, *largest_added((10**6, 10**6), kind))
    with pytest.raises(ArtefactError, match="a constant of 1,000,000,000,000 elements") as info:
        interchange.from_onnx(path, verify=False)
    assert str(path) in str(info.value) and "\n" not in str(info.value)
    assert interchange.from_onnx(net(tmp_path, *largest_added((3, 5), kind))).count_params() < 20


def test_constants_that_double(tmp_path, monkeypatch):
    """Each of them is allowed, all together are not."""
    monkeypatch.setattr(_net, "MOST_ELEMENTS", 1000)
    monkeypatch.setattr(_fold, "MOST_ELEMENTS", 1000)

    def doubled(count):
        nodes = [("Concat", [f"k{i}"] * 2, [f"k{i + 1}"], {"axis": 0}) for i in range(count)]
        nodes.append(("ReduceMax", [f"k{count}"], ["m"], {"keepdims": 0}))
        nodes.append(("Add", ["x", "m"], ["y"], {}))
        return net(tmp_path, nodes, {"k0": np.ones(1, "float32")})

    with pytest.raises(ArtefactError, match=r"Concat\) compute constants of 1,023 elements"):
        interchange.from_onnx(doubled(9), verify=False)
    assert interchange.from_onnx(doubled(5)).count_params() < 20


def test_a_loop_of_constants_is_not_run(tmp_path):
    """Its result leads to no output: only who computes all constants would wait for it."""
    info = helper.make_tensor_value_info
    ends = [[info(f"go{i}", 9, ()), info(f"v{i}", 1, (1,))] for i in range(2)]
    same = [helper.make_node("Identity", [f"{n}0"], [f"{n}1"]) for n in ("go", "v")]
    body = helper.make_graph(same, "body", [info("i", 7, ()), *ends[0]], ends[1])
    loop = ("Loop", ["", "go", "k"], ["l"], {"body": body})
    path = net(
        tmp_path, [loop, ("Relu", ["x"], ["y"], {})], {"go": True, "k": np.ones(1, "float32")}
    )
    model = interchange.from_onnx(path, verify=False)
    assert len(model.layers) == 2


def test_open_sizes_are_run_in_a_child_process_first(tmp_path, monkeypatch):
    path = net(tmp_path, [("Relu", ["x"], ["y"], {})], {}, shape=(1, 3, "h", "w"))
    seen = []
    monkeypatch.setattr(_first_load, "admit", lambda *args: seen.append(args))
    interchange.from_onnx(path, verify=False)
    assert seen == [(path, "onnxruntime")]
    interchange.from_onnx(path, trust=True)
    assert len(seen) == 1
