"""ONNX files of float16, as onnxconverter-common writes them, with float32 at their ends or not."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from keras_upsample import interchange
from keras_upsample.errors import ArtefactError, VerificationError
from keras_upsample.interchange import _net
from keras_upsample.interchange._half import in_float32

RNG = np.random.default_rng(3)


def written(folder, ends):
    """Conv, Relu, times a Constant, in float16."""
    kernel = RNG.uniform(-1, 1, (4, 3, 3, 3)).astype("float16")
    factor = numpy_helper.from_array(np.float16(1.5), "f")
    nodes = [
        helper.make_node("Conv", ["half", "kernel"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Constant", [], ["c"], value=factor),
        helper.make_node("Mul", ["b", "c"], ["out"]),
    ]
    given, made = "half", "out"
    if ends == TensorProto.FLOAT:
        nodes.insert(0, helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16))
        nodes.append(helper.make_node("Cast", ["out"], ["y"], to=TensorProto.FLOAT))
        given, made = "x", "y"
    graph = helper.make_graph(
        nodes,
        "halves",
        [helper.make_tensor_value_info(given, ends, ("n", 3, 6, 5))],
        [helper.make_tensor_value_info(made, ends, ("n", 4, 6, 5))],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    path = folder / "m.onnx"
    onnx.save(model, path)
    return path, kernel.astype("float64")


@pytest.mark.parametrize("ends", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_weights_become_float32(ends, tmp_path):
    path, kernel = written(tmp_path, ends)
    model = interchange.from_onnx(path)
    assert {w.dtype for w in model.weights} == {"float32"}
    x = RNG.uniform(0, 1, (2, 6, 5, 3))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = sum(
        padded[:, i : i + 6, j : j + 5] @ kernel[:, :, i, j].T for i in range(3) for j in range(3)
    )
    np.testing.assert_allclose(model(x), 1.5 * np.maximum(y, 0), atol=1e-5)


def test_it_is_compared_with_the_file_itself(tmp_path, monkeypatch):
    """What is made of the float16 numbers is not taken on trust."""

    def wrong(proto):
        in_float32(proto)
        (kernel,) = proto.graph.initializer
        kernel.CopyFrom(numpy_helper.from_array(1.1 * numpy_helper.to_array(kernel), "kernel"))

    path, _ = written(tmp_path, TensorProto.FLOAT)
    monkeypatch.setattr(_net, "in_float32", wrong)
    with pytest.raises(VerificationError, match="differs from the float16 file in ONNX Runtime"):
        interchange.from_onnx(path)


def test_types_that_do_not_fit_are_refused(tmp_path):
    """ONNX has no Mul of float32 and float16: converting such a file would repair it silently."""
    path, _ = written(tmp_path, TensorProto.FLOAT)
    model = onnx.load(path)
    model.graph.node[0].attribute[0].i = TensorProto.FLOAT
    onnx.save(model, path)
    with pytest.raises(ArtefactError, match="can't be read as ONNX"):
        interchange.from_onnx(path, verify=False)
