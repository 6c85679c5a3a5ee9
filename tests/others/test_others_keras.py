"""What is used of Keras beside its public names still is what we take it for."""

import inspect
from contextlib import suppress
from threading import Thread
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from checked import of
from keras import layers, ops

from keras_upsample._others import _keras


def nested() -> tuple[Any, Any]:
    """A functional model, and one inside of it."""
    x = keras.Input((4,), name="door")
    inner = keras.Model(x, layers.Dense(3, name="first")(x), name="inner")
    y = keras.Input((4,), name="start")
    return keras.Model(y, layers.Dense(2, name="last")(inner(y)), name="outer"), inner


@of("keras")
def test_flatten_layers():
    outer, _ = nested()
    found = _keras.flatten_layers(outer)
    assert found[0] is outer
    names = sorted(layer.name for layer in found)
    assert names == ["door", "first", "inner", "last", "outer", "start"]


@of("keras")
def test_calls():
    _, inner = nested()
    layer = inner.get_layer("first")
    first, second = _keras.CALLS
    assert [node.operation for node in vars(layer)[first]] == [layer]
    assert [node.operation.name for node in vars(inner.get_layer("door"))[second]] == ["first"]
    _keras.forget_calls(layer)
    assert [vars(layer)[name] for name in _keras.CALLS] == [[], []]
    assert all(type(vars(layer)[name]) is list for name in _keras.CALLS)


@of("keras")
def test_nodes():
    x = keras.Input((4,))
    branch = layers.Dense(4, name="branch")(x)
    model = keras.Model(x, layers.Add(name="sum")([branch, x]))
    nodes = list(_keras.nodes_in_order(model))
    assert [node.operation.name for node in nodes[1:]] == ["branch", "sum"]
    assert all(type(node) is _keras.node_class() for node in nodes)
    assert [node.is_input for node in nodes] == [True, False, False]
    assert [id(tensor) for tensor in nodes[2].input_tensors] == [id(branch), id(x)]
    assert nodes[2].outputs[0] is model.outputs[0]
    values = {id(branch): "branch", id(x): "x"}
    assert _keras.fill_arguments(nodes[2], values) == ((["branch", "x"],), {})


@of("keras")
def test_arguments_hold_keywords():
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dropout(0.5)(x, training=True))
    node = list(_keras.nodes_in_order(model))[-1]
    args, keywords = _keras.fill_arguments(node, {id(x): "x"})
    assert (args, keywords) == (("x",), {"training": True})


@of("keras")
def test_operation_class():
    operation = _keras.operation_class()
    assert operation is keras.Operation
    assert issubclass(layers.Layer, operation)
    assert issubclass(_keras.numpy_operation("Squeeze"), operation)


class Holder(layers.Layer):
    """Holds layers in containers."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = [layers.Dense(1)]
        self.named = {"a": layers.Dense(1)}
        self.chosen = {"b"}


@of("keras")
def test_tracker():
    holder = Holder()
    tracker = holder.listed.tracker
    assert type(tracker) is _keras.tracker_class()
    before = {name: set(ids) for name, ids in tracker.stored_ids.items()}
    assert id(holder.listed[0]) in before["layers"]
    tracker.stored_ids = {}
    _keras.track_anew(tracker)
    assert tracker.stored_ids == before


# Container -> adding 1 to it, and adding 2 past its tracker.
FILLING = {
    "listed": (lambda own: own.append(1), lambda own: list.append(own, 2)),
    "named": (lambda own: own.update({"a": 1}), lambda own: dict.__setitem__(own, "b", 2)),
    "chosen": (lambda own: own.add(1), lambda own: set.add(own, 2)),
}


@of("keras")
@pytest.mark.parametrize("name", FILLING)
def test_tracked_containers(name: str):
    container, told = getattr(Holder(), name), []

    class Tracker:
        def track(self, value: Any) -> Any:
            told.append(value)
            return value

    assert _keras.is_tracked(container)
    assert not _keras.is_tracked(list(container))
    own = _keras.track_empty(container, Tracker())
    assert type(own) is type(container)
    assert len(own) == 0
    telling, silent = FILLING[name]
    telling(own)
    assert told == [1]
    silent(own)  # as a copy is filled
    assert told == [1]
    assert len(own) == 2


@of("keras")
def test_inner_functional():
    model = keras.Sequential([layers.Dense(2)])
    assert _keras.inner_functional(model) is None
    model.build((None, 3))
    inner = _keras.inner_functional(model)
    x = np.ones((1, 3), "float32")
    assert [tensor.shape for tensor in inner.inputs] == [(None, 3)]
    np.testing.assert_array_equal(inner(x), model(x))
    assert _keras.inner_functional(model.layers[0]) is None


@of("keras")
def test_structures():
    inputs = {name: keras.Input((2,), name=f"{name}_input") for name in ("b", "a")}
    model = keras.Model(inputs, {"y": inputs["b"] + inputs["a"]})
    assert set(_keras.inputs_structure(model)) == {"a", "b"}
    assert _keras.inputs_structure(model)["b"] is inputs["b"]
    assert list(_keras.outputs_structure(model)) == ["y"]
    assert _keras.outputs_structure(model)["y"] is model.outputs[0]
    function = keras.Function(inputs["a"], [inputs["a"] + 1])
    assert len(_keras.outputs_structure(function)) == 1
    assert _keras.outputs_structure(keras.Sequential([layers.Dense(1)])) is None


@of("keras")
def test_told_to_infer():
    seen = []

    class Trains(layers.Layer):
        def call(self, x: Any, training: bool = True) -> Any:
            seen.append(training)
            return x

    class Model(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Trains()

        def call(self, x: Any) -> Any:
            return self.inner(x)

    model, x = Model(), np.zeros((1, 1))
    model.call(x)
    with _keras.told_to_infer(model):
        model.call(x)
    model.call(x)
    assert seen == [True, False, True]


@of("keras")
def test_takes_training():
    assert _keras.takes_training(layers.Dropout(0.5)) is True
    assert _keras.takes_training(layers.Flatten()) is False


@of("keras")
def test_recorded_shapes():
    class Guided(keras.Model):
        def build(self, image_shape: Any, guide_shape: Any) -> None:
            self.built = True

        def call(self, image: Any, guide: Any) -> Any:
            return image + guide

    model = Guided()
    assert _keras.recorded_shapes(model) == {}
    model(np.zeros((2, 8, 8, 1)), np.zeros((2, 8, 8, 3)))
    assert _keras.recorded_shapes(model) == {
        "image_shape": (2, 8, 8, 1),
        "guide_shape": (2, 8, 8, 3),
    }


@of("keras")
def test_set_dtype_policy():
    shared = keras.dtype_policies.DTypePolicyMap()
    layer = layers.Dense(1, dtype=shared)
    layer.build((None, 2))
    _keras.set_dtype_policy(layer, keras.DTypePolicy("float64"))
    assert layer.compute_dtype == "float64"
    assert layer(np.ones((1, 2))).dtype == "float64"
    assert len(shared) == 0


@of("keras")
def test_policy_computing_in():
    policy = keras.dtype_policies.get("int8_from_mixed_bfloat16")
    changed = _keras.policy_computing_in(policy, "float32")
    assert (policy.compute_dtype, changed.compute_dtype) == ("bfloat16", "float32")
    assert type(changed) is type(policy)
    assert changed.quantization_mode == "int8"


@of("keras")
def test_input_conversion():
    _, model = nested()
    convert = getattr(model, _keras.INPUT_CONVERSION)
    given = np.ones((1, 4), "float64")
    (converted,) = convert([tf.constant(given)])
    assert converted.dtype == "float32"
    plain = np.asarray(model(given))
    object.__setattr__(model, _keras.INPUT_CONVERSION, lambda flat: [2 * x for x in convert(flat)])
    np.testing.assert_array_equal(model(given), 2 * plain)  # a power of two rounds nothing


@of("keras")
def test_input_dtype():
    layer = layers.InputLayer((4,))
    assert layer.dtype == "float32"
    object.__setattr__(layer, _keras.INPUT_DTYPE, "float64")
    assert layer.dtype == "float64"


@of("keras")
def test_mask_of():
    y = layers.Masking()(np.array([[[0.0], [1.0]]], "float32"))
    np.testing.assert_array_equal(_keras.mask_of(y), [[False, True]])
    assert _keras.mask_of(tf.zeros(3)) is None


@of("keras")
@pytest.mark.parametrize("kind", ["Dense", "EinsumDense"])
def test_int8_layers(kind: str):
    layer = layers.Dense(3) if kind == "Dense" else layers.EinsumDense("ab,bcd->acd", (3, 2))
    layer.build((None, 4))
    kernel = np.asarray(layer.kernel)
    layer.quantize("int8")
    stored = np.asarray(_keras.stored_kernel(layer))
    assert stored.dtype == "int8"
    einsum = kind == "EinsumDense"
    scale = _keras.kernel_scale_of_einsum(layer) if einsum else layer.kernel_scale
    np.testing.assert_allclose(stored / np.asarray(scale), kernel, atol=np.abs(kernel).max() / 250)
    object.__setattr__(layer, _keras.INT8_CALL, lambda inputs, training=None: inputs + 1)
    np.testing.assert_array_equal(layer(np.ones((1, 4), "float32")), [[2, 2, 2, 2]])


@of("keras")
def test_functional_module():
    outer, _ = nested()
    written = keras.saving.serialize_keras_object(outer)
    assert (written["module"], written["class_name"]) == (_keras.FUNCTIONAL_MODULE, "Functional")


OPERATIONS = {
    ("image", "Resize"): lambda x: ops.image.resize(x, (8, 8)),
    ("nn", "DepthToSpace"): lambda x: ops.nn.depth_to_space(x, 2),
    ("numpy", "Concatenate"): lambda x: ops.concatenate([x, x], axis=-1),
    ("numpy", "Add"): lambda x: x + x,
    ("numpy", "Subtract"): lambda x: x - x,
    ("numpy", "Multiply"): lambda x: x * x,
}


@of("keras")
@pytest.mark.parametrize(("module", "name"), OPERATIONS)
def test_is_operation(module: str, name: str):
    x = keras.Input((4, 4, 4))
    model = keras.Model(x, OPERATIONS[module, name](x))
    operation = list(_keras.nodes_in_order(model))[-1].operation
    assert _keras.is_operation(operation, module, name)
    assert not _keras.is_operation(operation, module, "Other")
    assert not _keras.is_operation(layers.Concatenate(), "numpy", "Concatenate")


@of("keras")
def test_numpy_operation():
    x = np.ones((2, 1, 3))
    assert _keras.numpy_operation("Squeeze")(axis=1)(x).shape == (2, 3)
    assert _keras.numpy_operation("ExpandDims")(axis=1)(x).shape == (2, 1, 1, 3)


@of("keras")
def test_spec_by_tensorflow():
    x = keras.KerasTensor((None, 2, 2, 3))
    spec = _keras.spec_by_tensorflow(lambda x: tf.image.resize(x, (4, 6)), x)
    assert isinstance(spec, keras.KerasTensor)
    assert (spec.shape, spec.dtype) == ((None, 4, 6, 3), "float32")


KERAS_FUNCTIONS = {
    "ops.image.resize": ("tensorflow_image", "resize", lambda x: ops.image.resize(x, (8, 8))),
    "Resizing": ("tensorflow_image", "resize", lambda x: layers.Resizing(8, 8)(x)),
    "UpSampling2D": (
        "tensorflow_image",
        "resize",
        lambda x: layers.UpSampling2D(2, interpolation="bilinear")(x),
    ),
    "Conv1D": ("tensorflow_nn", "conv", lambda x: layers.Conv1D(2, 3)(x[0])),
    "Conv2D": ("tensorflow_nn", "conv", lambda x: layers.Conv2D(2, 3, groups=2)(x)),
    "Conv3D": ("tensorflow_nn", "conv", lambda x: layers.Conv3D(2, 1)(x[None])),
}


@of("keras")
@pytest.mark.parametrize("layer", KERAS_FUNCTIONS)
def test_functions_of_keras_on_tensorflow(layer: str, monkeypatch: pytest.MonkeyPatch):
    accessor, name, call = KERAS_FUNCTIONS[layer]
    module = {
        "tensorflow_image": _keras.tensorflow_image,
        "tensorflow_nn": _keras.tensorflow_nn,
    }[accessor]()
    original, seen = getattr(module, name), []

    def watched(*args: Any, **options: Any) -> Any:
        seen.append(inspect.signature(original).bind(*args, **options))
        return original(*args, **options)

    monkeypatch.setattr(module, name, watched)
    call(tf.zeros((1, 4, 4, 2)))
    assert len(seen) == 1
    if name == "conv":
        parameters = "inputs kernel strides padding data_format dilation_rate"
        assert list(inspect.signature(original).parameters) == parameters.split()


@of("keras")
def test_variables_within():
    made: list = []
    with _keras.variables_within(10, ValueError):
        other = Thread(target=lambda: made.append(keras.Variable("zeros", shape=(100,))))
        other.start()
        other.join()
        made.append(keras.Variable("zeros", shape=(10,)))
    assert len(made) == 2
    for build in (
        lambda: layers.Dense(5).build((None, 2)),
        lambda: layers.Dropout(0.5) and [keras.random.SeedGenerator(1) for _ in range(6)],
        lambda: [keras.metrics.Mean() for _ in range(6)],
        lambda: keras.Variable(initializer="zeros", shape=(11,)),
    ):
        with pytest.raises(ValueError, match=r"1[1-5]$"), _keras.variables_within(10, ValueError):
            build()
    with pytest.raises(KeyError), _keras.variables_within(10, KeyError), suppress(Exception):
        layers.Dense(5).build((None, 2))  # an error that the block keeps to itself
    assert keras.Variable("zeros", shape=(100,)).shape == (100,)
