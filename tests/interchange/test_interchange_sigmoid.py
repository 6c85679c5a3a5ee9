"""Files that end with a sigmoid far in its tail, where the range of the output says nothing."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from keras_upsample import interchange
from keras_upsample.errors import VerificationError
from keras_upsample.interchange import _build
from keras_upsample.interchange._operators import convolutions

RNG = np.random.default_rng(8)


@pytest.fixture
def path(tmp_path):
    """64 channels whose rounding, at a bias of −14, is as large as the range of the output."""
    kernels = [RNG.normal(0, 0.5, (64, 3, 3, 3)), RNG.normal(0, 0.002, (1, 64, 3, 3))]
    arrays = [numpy_helper.from_array(k.astype("float32"), f"k{i}") for i, k in enumerate(kernels)]
    arrays.append(numpy_helper.from_array(np.float32([-14]), "b"))
    pads = [1, 1, 1, 1]
    nodes = [
        helper.make_node("Conv", ["x", "k0"], ["a"], pads=pads),
        helper.make_node("Conv", ["a", "k1", "b"], ["c"], pads=pads),
        helper.make_node("Sigmoid", ["c"], ["y"]),
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("n", channels, 16, 16))]
        for name, channels in (("x", 3), ("y", 1))
    ]
    graph = helper.make_graph(nodes, "tail", *ends, arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_the_model_is_returned(path):
    model = interchange.from_onnx(path)
    x = RNG.normal(0.5, 0.5, (1, 16, 16, 3)).astype("float32")
    assert 0 < np.ptp(model(x)) < 1e-5


def test_what_only_the_values_before_it_show_is_refused(path, monkeypatch):
    """Probabilities that are wrong by 1e-8 of [0, 1]; the values before the sigmoid by 1e-2."""

    def wrong(c):
        kernel = c.inputs[1]
        c.inputs[1] = kernel * np.float32(1.01 if kernel.shape[0] == 1 else 1)
        return convolutions.conv(c)

    kinds = {**_build.KINDS, "Conv": wrong}
    monkeypatch.setattr(_build, "KINDS", kinds)
    with pytest.raises(VerificationError, match="the output 'c' differs from ONNX Runtime's"):
        interchange.from_onnx(path)
