"""Inputs and outputs keep the model's order and names in every format: index 0 is index 0.

The oracle is the model, called by itself; files are read by their runtimes' own interfaces, by
place, not through `keras_upsample.runtimes`.
"""

from collections import OrderedDict
from typing import Any

import keras
import numpy as np
import pytest
from compare import assert_close
from exporting import OF_RANGE, convolution, distinctive, noise
from keras import layers

from keras_upsample import export, runtimes
from keras_upsample.errors import VerificationError
from keras_upsample.export._compare import difference
from keras_upsample.targets import Gate

EXACT = Gate(max_error=OF_RANGE)


def heads(y: Any, names: tuple[str, ...]) -> list[Any]:
    return [convolution(i + 1, name=name)(y) for i, name in enumerate(names)]


def listed() -> Any:
    """Three outputs, against the alphabet and in upper and lower case."""
    x = keras.Input((8, 6, 3), name="image")
    return keras.Model(x, heads(layers.ReLU()(x), ("mask", "Depth", "a")))


def nested() -> Any:
    x = keras.Input((8, 6, 3), name="image")
    a, b, c = heads(x, ("third", "second", "first"))
    return keras.Model(x, {"z": [a, b], "k": c})


def two_inputs() -> Any:
    """The second comes first by the alphabet; it is added to one output only."""
    x, y = keras.Input((8, 6, 3), name="picture"), keras.Input((8, 6, 1), name="auxiliary")
    both = layers.Concatenate()([x, y])
    return keras.Model([x, y], heads(both, ("mask", "depth")))


class Ordered(keras.Model):
    """An ordered dict is flattened as it was filled, a dict by its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = convolution(1), convolution(2)

    def call(self, x: Any) -> Any:
        return OrderedDict(scores=self.first(x), depth=self.second(x))


def ordered() -> Any:
    model = Ordered()
    model(noise(1, 8, 6, 3))
    return model


CASES = {
    "list": (listed, ["mask", "Depth", "a"]),
    "nested": (nested, ["k", "z_0", "z_1"]),
    "two inputs": (two_inputs, ["mask", "depth"]),
    "ordered dict": (ordered, ["scores", "depth"]),
}


def feeds_of(model: Any) -> list[np.ndarray]:
    shapes = [(1, 8, 6, 3), (1, 8, 6, 1)][: len(getattr(model, "inputs", None) or [0])]
    return [noise(*shape, seed=7 + i) for i, shape in enumerate(shapes)]


def wanted(model: Any, feeds: list[np.ndarray]) -> list[np.ndarray]:
    given = feeds if len(feeds) > 1 else feeds[0]
    return [np.asarray(t) for t in keras.tree.flatten(model(given, training=False))]


def assert_by_place(given: list[Any], model: Any, feeds: list[np.ndarray], error: float) -> None:
    expected = wanted(model, feeds)
    assert len(given) == len(expected)
    for array, want in zip(given, expected, strict=True):
        assert_close(array, want, of_range=error)


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("case", CASES)
def test_onnx(case, layout, every_runtime, tmp_path):
    import onnxruntime

    make, names = CASES[case]
    model = distinctive(make())
    path = tmp_path / "m.onnx"
    report = export.to_onnx(model, path, layout=layout)
    assert all(v.passed for v in report.verifications)
    session = onnxruntime.InferenceSession(path)
    assert [o.name for o in session.get_outputs()] == names
    feeds = feeds_of(model)
    moved = [f.transpose(0, 3, 1, 2) if layout == "nchw" else f for f in feeds]
    own = [i.name for i in session.get_inputs()]
    given = session.run(None, dict(zip(own, moved, strict=True)))
    back = [g.transpose(0, 2, 3, 1) if layout == "nchw" else g for g in given]
    assert_by_place(back, model, feeds, OF_RANGE)


@pytest.mark.filterwarnings("ignore:.*looks like noise")
@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("case", CASES)
def test_tflite(case, precision, tmp_path):
    from ai_edge_litert.interpreter import Interpreter
    from tensorflow.lite.python import schema_py_generated as schema

    make, names = CASES[case]
    model = distinctive(make())
    path = tmp_path / "m.tflite"
    feeds = feeds_of(model)
    data = [{n: f[0] for n, f in zip(_input_names(model), feeds, strict=True)}] + [
        {name: noise(8, 6, 3, seed=n)[..., :size] for name, size in channels(model)}
        for n in range(12)
    ]
    export.to_tflite(
        model,
        path,
        images=[noise(8, 6, 3)],
        precision=precision,
        representative_data=data if precision == "int8" else None,
    )
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    for detail, feed in zip(interpreter.get_input_details(), feeds, strict=True):
        interpreter.set_tensor(detail["index"], feed)
    interpreter.invoke()
    given = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    error = OF_RANGE if precision == "float32" else 0.1
    assert_by_place(given, model, feeds, error)
    signature = schema.Model.GetRootAs(path.read_bytes(), 0).SignatureDefs(0)
    assert [signature.Outputs(i).Name().decode() for i in range(len(names))] == names
    runner = interpreter.get_signature_runner()
    by_name = runner(**dict(zip(_input_names(model), feeds, strict=True)))
    assert_by_place([by_name[name] for name in names], model, feeds, error)


def channels(model: Any) -> list[tuple[str, int]]:
    return list(zip(_input_names(model), (3, 1), strict=False))


def _input_names(model: Any) -> list[str]:
    return [t.name for t in model.inputs] if getattr(model, "inputs", None) else ["image"]


@pytest.mark.parametrize("case", CASES)
def test_saved_model(case, tmp_path):
    """A signature has no order of its own: the metadata has, and the runner keeps to it."""
    make, names = CASES[case]
    model = distinctive(make())
    export.to_saved_model(model, tmp_path / "saved")
    runner = runtimes.load(tmp_path / "saved")
    assert runner.ordered
    assert [info.name for info in runner.outputs] == names
    feeds = feeds_of(model)
    assert [info.name for info in runner.inputs] == _input_names(model)
    given = runner({i.name: f for i, f in zip(runner.inputs, feeds, strict=True)})
    assert_by_place(list(given.values()), model, feeds, OF_RANGE)


@pytest.mark.parametrize("kind", ["onnx", "tflite"])
def test_every_runner_reports_the_files_order(kind, tmp_path):
    path = tmp_path / f"m.{kind}"
    model = distinctive(listed())
    getattr(export, f"to_{kind}")(model, path)
    others = {"onnx": ["onnxruntime", "openvino"], "tflite": ["litert", "litert_builtin", "tflm"]}
    feeds = feeds_of(model)
    for name in others[kind]:
        if not runtimes.available()[name]:
            continue
        runner = runtimes.load(path, runtime=name)
        given = runner({"image": feeds[0]})
        assert list(given) == [info.name for info in runner.outputs] == ["mask", "Depth", "a"]
        assert_by_place(list(given.values()), model, feeds, OF_RANGE)


def swapped(path: Any) -> None:
    """The outputs of an ONNX file in another order, their names along."""
    import onnx

    proto = onnx.load(path)
    outputs = list(proto.graph.output)
    del proto.graph.output[:]
    proto.graph.output.extend(outputs[::-1])
    onnx.save(proto, path)


def test_a_file_with_outputs_swapped_is_refused(tmp_path):
    x = keras.Input((8, 6, 3), name="image")
    twins = [convolution(1, name=name)(x) for name in ("mask", "depth")]
    model = distinctive(keras.Model(x, twins))
    path = tmp_path / "m.onnx"
    export.to_onnx(model, path)
    swapped(path)
    with pytest.raises(VerificationError, match=r"outputs \['depth', 'mask'\], expected"):
        export.verify(model, path)


def test_inputs_swapped_are_refused(tmp_path):
    import onnx

    model = distinctive(two_inputs())
    path = tmp_path / "m.onnx"
    export.to_onnx(model, path)
    proto = onnx.load(path)
    inputs = list(proto.graph.input)
    del proto.graph.input[:]
    proto.graph.input.extend(inputs[::-1])
    onnx.save(proto, path)
    with pytest.raises(ValueError, match=r"inputs are in the order \['auxiliary', 'picture'\]"):
        export.verify(model, path)


def test_names_of_another_exporter_are_taken_by_place(tmp_path):
    """`Model.export` names a functional model's outputs output_0, output_1 in TFLite."""
    import onnx

    model = distinctive(listed())
    path = tmp_path / "m.onnx"
    export.to_onnx(model, path)
    proto = onnx.load(path)
    renamed = {value.name: f"output_{i}" for i, value in enumerate(proto.graph.output)}
    for value in proto.graph.output:
        proto.graph.node.append(
            onnx.helper.make_node("Identity", [value.name], [renamed[value.name]])
        )
        value.name = renamed[value.name]
    onnx.save(proto, path)
    assert export.verify(model, path).passed
    swapped(path)
    with pytest.raises(VerificationError, match="shape"):
        export.verify(model, path)


def test_difference_looks_at_the_places():
    a, b = noise(1, 4, 4, 1), noise(1, 4, 4, 1, seed=4)
    same = difference("case", {"a": a, "b": b}, {"a": a, "b": b}, EXACT)
    assert not same.failure
    moved = difference("case", {"b": b, "a": a}, {"a": a, "b": b}, EXACT)
    assert "outputs ['b', 'a'], expected ['a', 'b']" in moved.failure
    assert not difference("case", {"b": b, "a": a}, {"a": a, "b": b}, EXACT, ordered=False).failure
    named_along = difference("case", {"a": b, "b": a}, {"a": a, "b": b}, EXACT)
    assert "off by" in named_along.failure
