"""Layers of all sorts, models of code of their own, and the user's model left as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from compare import assert_close
from keras import layers, ops
from linear_cases import SHAPE, block, chain, conv, norm
from lowering_checks import (
    answers,
    assert_same,
    check,
    count,
    feed_of,
    flat,
    model_of,
    names_of,
    noise,
    stirred,
    target,
)

import keras_upsample as ku
from keras_upsample.layers import MaxPoolingWithIndices2D, MaxUnpooling2D
from keras_upsample.lowering import lower
from keras_upsample.lowering._rules import fold, identity, nearest, transposed

NORM, CONV = layers.BatchNormalization, layers.Conv2D


# Layers of all sorts


def test_operations_and_slices():
    def stack(x):
        y = ops.transpose(conv(4)(x[:, 1:, ::2]), (0, 2, 1, 3))
        y = ops.concatenate([y, 2 - y, y**2], axis=-1) * np.arange(12, dtype="float32")
        mean = ops.mean(y, axis=(1, 2), keepdims=True)
        parts = ops.split(y - mean, 2, axis=-1)
        return ops.stack([ops.sum(parts[0], -1), ops.max(parts[1], -1)])

    check(model_of(stack, *SHAPE))
    check(model_of(stack, None, None, 3))


def test_layers_of_several_outputs_and_states():
    x = keras.Input((6, 3))
    whole, state, cell = layers.LSTM(4, return_state=True, return_sequences=True)(x)
    y = layers.MultiHeadAttention(2, 3)(whole, whole)
    y = layers.Bidirectional(layers.GRU(2, return_sequences=True))(y)
    y = layers.TimeDistributed(layers.Dense(2))(layers.Dropout(0.5)(y))
    model = stirred(keras.Model(x, [norm()(layers.Dense(3)(y)), state, cell]))
    check(model, fold, identity)


def test_masks_are_followed():
    x = keras.Input((6,), dtype="int32")
    y = layers.Dropout(0.5)(layers.Embedding(200, 4, mask_zero=True)(x))
    model = stirred(keras.Model(x, layers.Dense(2)(layers.LSTM(3)(y))))
    words = np.array([[1, 2, 0, 0, 0, 0], [3, 0, 4, 5, 0, 0]], "int32")
    expected = model(words)
    assert np.abs(np.asarray(expected - model(words + 1))).max() > 1e-3
    assert_close(lower(model, target()).model(words), np.asarray(expected))


def test_pooling_indices():
    def stack(x):
        pooled, places = MaxPoolingWithIndices2D()(x)
        return norm()(conv()(MaxUnpooling2D()([layers.Dropout(0.5)(pooled), places])))

    check(model_of(stack, 6, 8, 3), fold, identity)


class Bare(layers.Layer):
    """A custom layer that can't be copied: no `get_config`, arguments of any kind."""

    def __init__(self, function, inner):
        super().__init__()
        self.function, self.inner = function, inner

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="uniform", name="scale")

    def call(self, x, factor=1.0):
        return self.inner(self.function(x)) * self.scale[:2] + factor


class InTensorFlow(layers.Layer):
    def call(self, x):
        return tf.nn.relu(tf.reverse(x, [1]))


def test_custom_layers():
    bare = Bare(lambda x: x - 1, conv(2, padding="same"))
    stack = chain(conv(), norm(), lambda x: bare(x, factor=0.5), InTensorFlow(), conv(3), norm())
    lowered = check(model_of(stack, *SHAPE), fold)
    assert count(lowered.model, Bare) == 1
    assert lowered.model.layers[2] is not bare
    assert lowered.model.layers[2].scale is bare.scale


def test_a_custom_layer_of_several_outputs():
    class Parts(layers.Layer):
        def call(self, x):
            return {"low": x - 1, "high": (x + 1, x * 2)}

    def stack(x):
        parts = Parts()(conv()(x))
        return norm()(conv(1, 1)(parts["high"][1])) - parts["low"]

    check(model_of(stack, *SHAPE), fold)


def test_lambda():
    stack = chain(conv(), layers.Lambda(lambda x: x**2 - 1), norm(), layers.Lambda(ops.relu))
    check(model_of(stack, *SHAPE))


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
def test_half_precision(policy):
    """Weights that are made of others are kept in float32: rounded twice, they would be worse."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        x = keras.Input(SHAPE)
        y = norm()(conv(4, padding="same")(x))
        y = conv(3, padding="same", activation="tanh")(layers.UpSampling2D()(y))
        y = layers.Conv2DTranspose(2, 2, 2)(layers.Dropout(0.5)(y))
        head = layers.Activation("softmax", dtype="float32")(y)
        model = stirred(keras.Model(x, [head, y, x]))
        lowered = lower(model, target({nearest.NAME: "shuffle", transposed.NAME: "shuffle"}))
        assert set(names_of(lowered)) == {fold.NAME, nearest.NAME, transposed.NAME, identity.NAME}
        assert_same(lowered, model, of_range=1e-2)
        kinds = [symbol.dtype for symbol in model.outputs]
        assert [symbol.dtype for symbol in lowered.model.outputs] == kinds
    finally:
        keras.config.set_dtype_policy(before)


# Subclassed models


class Subclassed(keras.Model):
    """`extra` is what the call does beside its layers."""

    def __init__(self, extra=lambda y: y, **options):
        super().__init__(**options)
        self.first, self.norm, self.drop = conv(4, padding="same"), norm(), layers.Dropout(0.5)
        self.inner = keras.Sequential([conv(3, padding="same"), norm()])
        self.extra = extra

    def call(self, image, training=None):
        y = self.drop(self.norm(self.first(image), training=training), training=training)
        if training:
            y = y * 100
        return self.extra(self.inner(layers.ReLU()(y), training=training))


def subclassed(extra=lambda y: y):
    model = Subclassed(extra)
    model(noise(2, *SHAPE))
    return stirred(model)


def assert_same_call(lowered, model, *tensors, **keywords):
    """The answers of a model that is no graph, given by position or by keyword."""
    expected = keras.tree.flatten(model(*tensors, **keywords, training=False))
    feeds = list(tensors) if tensors else [keywords[key] for key in sorted(keywords)]
    given = keras.tree.flatten(lowered.model(feeds if len(feeds) > 1 else feeds[0], training=False))
    for actual, wanted in zip(given, expected, strict=True):
        assert_close(actual, np.asarray(wanted), of_range=1e-5)


@pytest.mark.parametrize("shape", [SHAPE, (None, None, 3)])
def test_subclassed(shape):
    lowered = lower(model := subclassed(), target(), input_shape=shape)
    assert names_of(lowered) == [fold.NAME, identity.NAME, fold.NAME]
    assert flat(lowered) and not count(lowered.model, NORM)
    assert lowered.model.output_names == ["output"]
    assert_same_call(lowered, model, noise(2, *SHAPE))


def test_subclassed_with_python_that_asks_for_shapes():
    def extra(y):
        for _ in range(y.shape[1] - 3):
            y = ops.reshape(y * 2, (-1, y.shape[2], y.shape[1], 3))
        return {"z": y, "a": [y + 1]}

    lowered = lower(model := subclassed(extra), target())
    assert names_of(lowered) == [fold.NAME, identity.NAME, fold.NAME]
    assert_same_call(lowered, model, noise(2, *SHAPE))
    assert set(lowered.model(noise(2, *SHAPE))) == {"a", "z"}


class Several(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = conv(padding="same"), norm()

    def call(self, zebra, apple, training=None):
        return self.norm(self.conv(zebra), training=training) - 2 * apple


def test_subclassed_with_several_arguments():
    """The lowered model takes them as a list, in alphabetical order."""
    model = Several()
    feeds = {"zebra": noise(2, *SHAPE), "apple": noise(2, *SHAPE, seed=9)}
    model(**feeds)
    shapes = dict.fromkeys(feeds, SHAPE)
    lowered = lower(stirred(model), target(), input_shape=shapes)
    assert names_of(lowered) == [fold.NAME]
    assert [x.name for x in lowered.model.inputs] == ["apple", "zebra"]
    assert_same_call(lowered, model, **feeds)


class OfDict(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = conv(padding="same"), norm()

    def call(self, inputs):
        return [self.norm(self.conv(inputs["zebra"])), {"more": 2 * inputs["apple"]}]


def test_subclassed_with_a_dict():
    model = OfDict()
    feeds = {"zebra": noise(2, *SHAPE), "apple": noise(2, *SHAPE, seed=9)}
    model(feeds)
    lowered = lower(stirred(model), target())
    assert names_of(lowered) == [fold.NAME]
    expected, given = model(feeds), lowered.model(feeds)
    assert_close(given[0], np.asarray(expected[0]), of_range=1e-5)
    assert_close(given[1]["more"], np.asarray(expected[1]["more"]))


def of_value(y):
    return y * 2 if ops.mean(y) > 0 else y


def of_shape(y):
    batch, height, width, _ = ops.shape(y)
    return ops.reshape(y, (batch, height * width, 3))


FOLLOWS_NOT = {
    "TensorFlow's functions": (lambda y: tf.nn.relu(y), "can't be followed"),
    "a decision on values": (of_value, "can't be followed"),
    "values": (lambda y: y * np.asarray(y).mean(), "can't be followed"),
    "an open batch": (of_shape, "sizes that are open"),
}


@pytest.mark.parametrize("name", FOLLOWS_NOT)
def test_subclassed_that_is_no_graph_comes_back(name):
    extra, reason = FOLLOWS_NOT[name]
    model = subclassed(extra)
    expected = np.asarray(model(x := noise(2, *SHAPE)))
    lowered = lower(model, target(), input_shape=SHAPE)
    assert lowered.model is model and lowered.applied == ()
    assert lowered.notice.startswith(f"The model {model.name!r} was not lowered: its `call` ")
    assert reason in lowered.notice
    assert_close(model(x), expected)


@pytest.mark.parametrize("name", FOLLOWS_NOT)
def test_a_head_behind_what_is_no_graph_is_refused(name):
    extra, reason = FOLLOWS_NOT[name]
    with pytest.raises(ValueError, match=rf"`head='argmax'` can't be .*{reason}.*`input_shape`"):
        lower(subclassed(extra), target(), input_shape=SHAPE, head="argmax")


def test_a_head_behind_a_subclassed_model_of_open_sizes():
    model = subclassed()
    lowered = lower(model, target(), input_shape=(None, None, 3), head="argmax")
    x = noise(2, *SHAPE)
    assert (np.asarray(lowered.model(x)) == np.asarray(model(x)).argmax(-1)).all()


def test_a_batch_that_is_fixed():
    lowered = lower(subclassed(of_shape), target(static=True), input_shape=SHAPE)
    assert not lowered.notice
    assert lowered.model.output_shape == (1, 35, 3)


def test_a_subclass_of_a_functional_model_with_a_call_of_its_own():
    class More(keras.Model):
        def call(self, inputs, training=None):
            return super().call(inputs, training=training) * 2

    x = keras.Input(SHAPE)
    model = stirred(More(x, norm()(conv()(x))))
    lowered = check(model)
    image = noise(2, *SHAPE)
    plain = keras.Model(model.inputs, model.outputs)
    assert_close(lowered.model(image), 2 * np.asarray(plain(image)), of_range=1e-5)


# The user's model


def state(model):
    """All that lowering might touch."""
    everything = list(model._flatten_layers())
    return (
        [np.array(weight) for weight in model.weights],
        [weight.path for weight in model.weights],
        [
            (layer.name, len(layer._inbound_nodes), len(layer._outbound_nodes))
            for layer in everything
        ],
        [id(layer) for layer in everything],
    )


def build_functional():
    stack = chain(
        block(4),
        layers.UpSampling2D(),
        conv(4, padding="same"),
        norm(),
        layers.Dropout(0.1),
        layers.Conv2DTranspose(2, 2, 2),
        layers.ReLU(),
    )
    return model_of(stack, *SHAPE)


@pytest.mark.parametrize("build", [build_functional, subclassed])
def test_the_users_model_is_left_as_it_was(build, tmp_path):
    model = build()
    before = state(model)
    forms = {nearest.NAME: "shuffle", transposed.NAME: "shuffle"}
    first = lower(model, target(forms))
    second = lower(model, target())
    assert len(first.applied) >= 3
    after = state(model)
    for old, new in zip(before[0], after[0], strict=True):
        np.testing.assert_array_equal(old, new)
    assert after[1:] == before[1:]

    x = noise(2, *SHAPE)
    expected = np.asarray(model(x))
    assert_close(first.model(x), expected, of_range=1e-5)
    if build is build_functional:
        inner = keras.Model(model.input, model.layers[-2].output)
        assert_close(ops.relu(inner(x)), expected)
        model.save(path := tmp_path / "own.keras")
        assert_close(keras.models.load_model(path)(x), expected)

    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, np.zeros_like(expected), verbose=0)
    assert np.abs(np.asarray(model(x)) - expected).max() > 1e-4
    assert len(second.applied) >= 3


def test_lowering_a_lowered_model():
    model = build_functional()
    once = lower(model, target({nearest.NAME: "shuffle", transposed.NAME: "shuffle"}))
    twice = lower(once.model, target())
    assert not names_of(twice)
    assert_same(twice, model)


def test_saved_and_loaded(tmp_path):
    stack = chain(
        ku.layers.SubpixelConv2D(4, order="crd", activation="relu"),
        conv(4, padding="same"),
        norm(),
        layers.UpSampling2D(),
        conv(3, padding="same", activation="relu"),
        block(4, shape=(20, 28, 3)),
        layers.Conv2DTranspose(2, 3, 2, padding="same", activation="softmax"),
    )
    model = model_of(stack, *SHAPE)
    forms = {nearest.NAME: "transposed", transposed.NAME: "shuffle"}
    lowered = check(model, fold, nearest, transposed, forms=forms)
    lowered.model.save(path := tmp_path / "lowered.keras")
    loaded = keras.models.load_model(path)
    for x in feed_of(model):
        assert_close(loaded(x), np.asarray(lowered.model(x)), of_range=0)
    assert [layer.name for layer in loaded.layers] == [la.name for la in lowered.model.layers]


# Our own models

ZOO = {
    "unet": lambda: ku.zoo.unet(filters=(2, 3, 4), upsample="nearest", dropout=0.3),
    "unet, transposed": lambda: ku.zoo.unet(filters=(2, 3, 4), upsample="transposed_conv"),
    "unet, shuffle": lambda: ku.zoo.unet(filters=(2, 3, 4), upsample="pixel_shuffle"),
    "espcn": lambda: ku.zoo.espcn(),
}


@pytest.mark.parametrize("name", ZOO)
def test_zoo(name):
    model = ZOO[name]()
    keras.utils.set_random_seed(3)
    for weight in model.weights:
        if "kernel" not in weight.path:
            values = np.random.default_rng(1).uniform(0.5, 1.5, weight.shape)
            weight.assign(values)
    forms = {nearest.NAME: "shuffle", transposed.NAME: "shuffle"}
    for size in [(8, 12), (6, 10)]:
        shape = (*size, model.input_shape[-1])
        lowered = lower(model, target(forms), input_shape=shape)
        assert_same(lowered, model, size=size)
        assert not count(lowered.model, NORM) and not count(lowered.model, layers.Dropout)
    assert answers(lowered.model, feed_of(model, size))
