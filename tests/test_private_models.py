"""Private models: the same values, the same variables, no layer of the user's."""

import functools
import logging
import threading
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_upsample import export, zoo
from keras_upsample.lowering import lower
from keras_upsample.program._inference import with_precision
from keras_upsample.program._private import private_copy

SIZE = (16, 24, 3)
INT8: dict[str, Any] = {"precision": "int8", "gate": 5.0}
"""Random weights round badly, and what that loses is not the subject here."""


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((2, *SIZE), "float32")


def functional() -> keras.Model:
    keras.utils.set_random_seed(0)
    x = keras.Input(SIZE, name="image")
    inner = keras.Sequential([layers.Conv2D(4, 3, padding="same"), layers.ReLU()], name="inner")
    y = layers.BatchNormalization()(inner(x))
    shared = layers.DepthwiseConv2D(3, padding="same", dilation_rate=2)
    y = layers.Add()([shared(y), shared(inner(keras.ops.flip(x, 1)))])
    return keras.Model(x, layers.GroupNormalization(2)(y))


class Subclassed(keras.Model):
    """Layers in every kind of container, by bound and partial methods, and in other layers."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = [layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()]
        self.named = {"dense": layers.Dense(3), "deep": [layers.Dense(3)]}
        self.pair = (layers.ReLU(), layers.UpSampling2D(2))
        self.attention = layers.MultiHeadAttention(2, 4)
        self.recurrent = layers.Bidirectional(layers.GRU(3, return_sequences=True))
        self.frames = layers.TimeDistributed(layers.Dense(2))
        self.bound = self.dense
        self.partial = functools.partial(self.chosen, self.named["deep"][0])

    def dense(self, x):
        return self.named["dense"](x)

    @staticmethod
    def chosen(layer, x):
        return layer(x)

    def call(self, x, training=None):
        for layer in self.listed:
            x = layer(x)
        x = self.partial(self.bound(self.pair[0](x)))
        line = keras.ops.mean(self.pair[1](x), axis=1)
        return self.frames(self.recurrent(self.attention(line, line)))


def half() -> keras.Model:
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return zoo.unet(SIZE, classes=3, filters=(4, 8))
    finally:
        keras.config.set_dtype_policy("float32")


def by_map() -> keras.Model:
    """Layers of one `DTypePolicyMap`, of which one computes in float32."""
    policies = keras.dtype_policies.DTypePolicyMap("mixed_float16")
    policies["exact"] = keras.DTypePolicy("float32")
    x = keras.Input(SIZE, name="image")
    y = layers.Conv2D(4, 3, dtype=policies, name="half")(x)
    return keras.Model(x, layers.Conv2D(2, 1, dtype=policies, name="exact")(y))


MODELS = {
    "functional": functional,
    "subclassed": Subclassed,
    "unet": lambda: zoo.unet(SIZE, classes=2, filters=(4, 8)),
    "encoder": lambda: zoo.unet((32, 32, 3), classes=2, encoder="mobilenet_v2"),
    "half": half,
    "by a map of policies": by_map,
}


def own_layers(model: keras.Model) -> set[int]:
    return {id(layer) for layer in model._flatten_layers()}


@pytest.mark.parametrize("kind", MODELS)
def test_a_private_model_computes_the_same_by_the_same_variables(kind: str) -> None:
    model = MODELS[kind]()
    x = picture() if kind != "encoder" else np.tile(picture()[:, :, :16], (1, 2, 2, 1))
    wanted = model(x, training=False)
    own = private_copy(model)
    np.testing.assert_array_equal(own(x, training=False), wanted)
    assert [id(v) for v in own.variables] == [id(v) for v in model.variables]
    assert not own_layers(own) & own_layers(model)
    assert len(own_layers(own)) == len(own_layers(model))
    graph = getattr(own, "_nodes_by_depth", {})
    called = {id(node.operation) for nodes in graph.values() for node in nodes}
    assert not called & own_layers(model)


def test_what_is_trained_later_is_seen() -> None:
    model = functional()
    own = private_copy(model)
    for weight in model.weights:
        weight.assign(weight + 0.5)
    np.testing.assert_array_equal(own(picture()), model(picture()))


def test_attributes_set_on_a_private_model_stay_there() -> None:
    model = Subclassed()
    model.seen = []
    model(picture())
    own = private_copy(model)
    own.mark = True
    own.seen.append("a shape")
    own.listed[0].call = lambda x: x
    assert not hasattr(model, "mark")
    assert model.seen == []
    assert "call" not in vars(model.listed[0])


@pytest.mark.parametrize("kind", ["half", "by a map of policies"])
def test_another_precision_leaves_the_users_policies(kind: str) -> None:
    model = MODELS[kind]()
    before = [layer.compute_dtype for layer in model._flatten_layers()]
    own = with_precision(model)
    assert {layer.compute_dtype for layer in own._flatten_layers()} == {"float32"}
    assert [layer.compute_dtype for layer in model._flatten_layers()] == before
    assert "float16" in before
    assert with_precision(own) is own


def test_an_instances_own_call_is_kept(tmp_path) -> None:
    """Of a stock layer that the exporters would compute otherwise."""
    up = layers.UpSampling2D(2)
    up.call = lambda x: keras.ops.repeat(keras.ops.repeat(x, 2, 1), 2, 2) * 3
    own_call = up.call
    image = keras.Input(SIZE, name="image")
    model = keras.Model(image, layers.Conv2D(2, 1)(up(image)))
    for kind, write in (("onnx", export.to_onnx), ("tflite", export.to_tflite)):
        report = write(model, tmp_path / f"m.{kind}", lower=False)
        assert report.verifications[0].passed
    assert up.call is own_call


@pytest.mark.parametrize("lowered", [True, False], ids=["lowered", "as it is"])
@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_threads_export_one_model_while_it_is_called(count: int, lowered: bool, tmp_path) -> None:
    model = half()
    x = picture()
    wanted = model(x, training=False)
    kinds: list[tuple[Any, str, dict[str, Any]]] = [
        (export.to_onnx, ".onnx", {}),
        (export.to_tflite, ".tflite", INT8),
        (export.to_saved_model, "", {}),
        (export.to_onnx, ".onnx", {"precision": "float16"}),
        (export.to_tflite, ".tflite", {}),
        (export.to_tflite, ".tflite", INT8),
        (export.to_tflite, ".tflite", {"precision": "float16"}),
        (export.to_saved_model, "", {}),
    ]
    found: dict[int, object] = {}

    def work(number: int) -> None:
        write, suffix, options = kinds[number]
        try:
            found[number] = write(model, tmp_path / f"m{number}{suffix}", lower=lowered, **options)
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    calls = 0
    while calls < 125 * count or any(thread.is_alive() for thread in threads):
        answer = model(x, training=False)
        assert answer.dtype == wanted.dtype
        np.testing.assert_array_equal(answer, wanted)
        calls += 1
    for thread in threads:
        thread.join()
    errors = [result for result in found.values() if isinstance(result, Exception)]
    assert not errors
    assert len(found) == count


def test_another_threads_warnings_are_heard_while_onnx_is_quantised(tmp_path, caplog) -> None:
    """ONNX Runtime's own advice, by the same logger, is not."""
    done = threading.Event()

    def warn() -> None:
        while not done.wait(0.02):
            logging.warning("of the application")

    thread = threading.Thread(target=warn)
    thread.start()
    try:
        export.to_onnx(functional(), tmp_path / "m.onnx", **INT8)
    finally:
        done.set()
        thread.join()
    said = {record.getMessage() for record in caplog.records if record.name == "root"}
    assert said == {"of the application"}
    assert not logging.getLogger().filters


def test_lowering_touches_no_sublayer_of_the_users() -> None:
    x = keras.Input(SIZE, name="image")
    frames = layers.TimeDistributed(layers.Conv2D(2, 3))
    model = keras.Model(x, frames(keras.ops.expand_dims(x, 1)))
    result = lower(model, "tflite").model
    assert not own_layers(result) & own_layers(model)
