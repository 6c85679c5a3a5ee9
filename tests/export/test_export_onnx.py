"""ONNX files: names, metadata, opsets, layouts, open sizes, and nothing on standard error."""

import errno
import io
import json
import os
import subprocess
import sys
import textwrap

import keras
import numpy as np
import onnx
import pytest
from compare import assert_close
from exporting import answers, assert_same, convolution, distinctive, noise, write
from keras import layers

import keras_upsample as ku
from keras_upsample import export
from keras_upsample._others import _tf2onnx
from keras_upsample.export import Metadata


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(2)
    return distinctive(ku.zoo.unet(classes=3, filters=(4, 8, 8), upsample="nearest"))


def dims(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize(
    "opset",
    [13, 15, 18, *(pytest.param(n, marks=pytest.mark.slow) for n in (14, 16, 17))],
)
def test_opsets(opset, net, tmp_path):
    path = write(net, tmp_path, "onnx", opset=opset)
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    assert {item.domain: item.version for item in proto.opset_import}[""] == opset
    x = noise(2, 20, 9, 3)
    assert_same(path, {"image": x}, {"logits": net(x)})


def test_names_and_open_dimensions(net, tmp_path):
    graph = onnx.load(write(net, tmp_path, "onnx")).graph
    (image,), (logits,) = graph.input, graph.output
    assert (image.name, logits.name) == ("image", "logits")
    assert dims(image) == ["batch", "height", "width", 3]
    assert dims(logits) == ["batch", "logits_height", "logits_width", 3]


def test_fixed_dimensions(net, tmp_path):
    path = write(net, tmp_path, "onnx", input_shape=(16, 24, 3), batch_size=2)
    graph = onnx.load(path).graph
    assert dims(graph.input[0]) == [2, 16, 24, 3]
    assert dims(graph.output[0]) == [2, 16, 24, 3]
    assert not {"Shape", "Slice", "Gather", "Pad"} & {node.op_type for node in graph.node}


def test_a_file_that_the_checker_can_not_open_is_an_error_of_the_disk(net, tmp_path, monkeypatch):
    """The checker says "Unable to open", and no reason."""
    plain, calls = onnx.checker.check_model, []

    def check(path, **options):
        calls.append(path)
        if len(calls) == 1:
            path = f"{path}.missing"
        plain(path, **options)

    monkeypatch.setattr(onnx.checker, "check_model", check)
    export.to_onnx(net, tmp_path / "m.onnx")
    assert len(calls) == 2  # it can be opened

    before, opened = (tmp_path / "m.onnx").read_bytes(), io.open

    def refuse(path, *arguments, **options):
        if str(path) == str(calls[-1]):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return opened(path, *arguments, **options)

    def check_and_refuse(path, **options):
        calls.append(path)
        monkeypatch.setattr(io, "open", refuse)
        plain(f"{path}.missing", **options)

    monkeypatch.setattr(onnx.checker, "check_model", check_and_refuse)
    with pytest.raises(OSError, match="Input/output error"):
        export.to_onnx(net, tmp_path / "m.onnx", overwrite=True)
    monkeypatch.setattr(io, "open", opened)
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]
    assert (tmp_path / "m.onnx").read_bytes() == before


def test_an_optimiser_of_tf2onnx_that_fails_is_left_out(net, tmp_path, monkeypatch):
    attempts = []

    class Fails:
        graph_been_opt = False

        def optimize(self, graph, iteration):
            attempts.append(len(graph.get_nodes()))
            graph.reset_nodes([])  # half changed
            raise ValueError("an error of an optimiser")

    table = _tf2onnx.optimizers()
    monkeypatch.setitem(table, "merge_duplication", Fails)
    before = dict(table)
    assert all(one.passed for one in export.to_onnx(net, tmp_path / "m.onnx").verifications)
    assert len(attempts) >= 2  # without copies, then with them
    assert dict(table) == before


def test_nothing_withdrawn_and_no_chains(net, tmp_path):
    graph = onnx.load(write(net, tmp_path, "onnx")).graph
    strings = [a.s for node in graph.node for a in node.attribute]
    assert b"tf_half_pixel_for_nn" not in strings
    resizes = [node for node in graph.node if node.op_type == "Resize"]
    assert len(resizes) == 2
    for node in resizes:
        found = {a.name: a.s for a in node.attribute}
        assert (found["coordinate_transformation_mode"], found["nearest_mode"]) == (
            b"asymmetric",
            b"floor",
        )
    assert "Tile" not in {node.op_type for node in graph.node}


def test_metadata_of_the_model(net, tmp_path):
    net.class_names, net.preprocessing = ["cell", "wall", "rest"], "float32 RGB in [0, 1]"
    path = write(net, tmp_path, "onnx", layout="nchw")
    proto = onnx.load(path)
    found = {p.key: p.value for p in proto.metadata_props}
    assert json.loads(found["class_names"]) == {"0": "cell", "1": "wall", "2": "rest"}
    assert found["model_name"] == "unet" and found["layout"] == "nchw"
    assert found["preprocessing"] == "float32 RGB in [0, 1]"
    assert (proto.producer_name, proto.producer_version) == ("keras_upsample", ku.__version__)


def test_metadata_of_the_users_choice(net, tmp_path):
    path = write(net, tmp_path, "onnx", metadata=Metadata("mine", version="2.1"))
    found = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert (found["model_name"], found["version"], found["layout"]) == ("mine", "2.1", "nhwc")
    assert "class_names" not in found
    assert ku.metadata.read(path).version == "2.1"


@pytest.mark.parametrize("shape", [None, (16, 24, 3)])
def test_nchw_is_nhwc_transposed(shape, net, tmp_path):
    path = write(net, tmp_path, "onnx", layout="nchw", input_shape=shape)
    x = noise(1, 16, 24, 3)
    y = answers(path, {"image": np.ascontiguousarray(x.transpose(0, 3, 1, 2))})["logits"]
    assert_close(y, np.asarray(net(x)).transpose(0, 3, 1, 2), of_range=5e-5)
    graph = onnx.load(path).graph
    wanted = ["batch", 3, *(shape or ("height", "width"))[:2]]
    assert dims(graph.input[0]) == wanted
    if shape:  # the transpositions at both ends cancel those that the converter put there
        assert "Transpose" not in {node.op_type for node in graph.node}


def test_nchw_with_several_inputs_and_outputs(tmp_path):
    b, a = keras.Input((6, 8, 3), name="b"), keras.Input((6, 8, 2), name="a")
    flag = keras.Input((4,), name="flag")
    wide = layers.Concatenate(name="wide")([a, convolution(4)(b)])
    score = layers.Dense(2, name="score")(
        layers.Concatenate()([layers.GlobalAveragePooling2D()(wide), flag])
    )
    model = keras.Model([b, flag, a], {"y": wide, "score": score, "c": layers.Conv2D(2, 1)(wide)})
    path = write(model, tmp_path, "onnx", layout="nchw")
    x = {"b": noise(1, 6, 8, 3), "flag": noise(1, 4), "a": noise(1, 6, 8, 2, seed=9)}
    first = {k: v.transpose(0, 3, 1, 2) if v.ndim == 4 else v for k, v in x.items()}
    expected = model([x["b"], x["flag"], x["a"]])
    actual = answers(path, {k: np.ascontiguousarray(v) for k, v in first.items()})
    assert_close(actual["score"], expected["score"], of_range=5e-5)
    for name in ("y", "c"):
        assert_close(actual[name], np.transpose(expected[name], (0, 3, 1, 2)), of_range=5e-5)


SESSION = """
    import sys, onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 2
    onnxruntime.set_default_logger_severity(2)
    session = onnxruntime.InferenceSession(
        sys.argv[1], options, providers=["CPUExecutionProvider"]
    )
    print(len(session.get_outputs()))
"""


def warnings_of(path):
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SESSION), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "1"
    return {line.partition("] ")[2] or line for line in result.stderr.splitlines() if line.strip()}


def one_node_model(path, extra=()):
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "trivial",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
        initializer=list(extra),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("shape", [None, (16, 16, 3)])
def test_onnx_runtime_has_nothing_to_say(shape, net, tmp_path):
    path = write(net, tmp_path, "onnx", input_shape=shape)
    assert warnings_of(path) <= warnings_of(one_node_model(tmp_path / "trivial.onnx"))


def test_the_check_for_warnings_sees_them(tmp_path):
    unused = onnx.numpy_helper.from_array(np.ones(3, "float32"), "unused")
    plain = warnings_of(one_node_model(tmp_path / "trivial.onnx"))
    assert warnings_of(one_node_model(tmp_path / "unused.onnx", [unused])) - plain


def test_large_and_small_weights_arrive_exactly(tmp_path):
    big, small = layers.Dense(80, use_bias=False), layers.Dense(3, use_bias=False)
    model = distinctive(keras.Sequential([keras.Input((60,), name="x"), big, small]))
    path = write(model, tmp_path, "onnx")
    arrays = [onnx.numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer]
    for layer in (big, small):
        assert any(np.array_equal(array, layer.kernel) for array in arrays)


def test_a_kernel_shared_by_two_layers_is_stored_once(tmp_path):
    x = keras.Input((8, 8, 24), name="x")
    conv = convolution(24)
    model = distinctive(keras.Model(x, conv(layers.BatchNormalization()(conv(x)))))
    path = write(model, tmp_path, "onnx")
    image = noise(1, 8, 8, 24)
    assert_same(path, {"x": image}, {model.output_names[0]: model(image)})


def test_odd_names_become_identifiers(tmp_path):
    x = keras.Input((4,), name="2 my-input.1")
    model = keras.Model(x, layers.Dense(2, name="out")(x), name="a-b>c")
    report = export.export(model, tmp_path)
    assert {tuple(artefact.inputs) for artefact in report.artefacts} == {("tensor_2_my_input_1",)}
    assert (tmp_path / "a-b_c.onnx").is_file()
