"""Graphs taken apart and put together again: nested models, inputs, outputs and names."""

import keras
import numpy as np
import pytest
from compare import assert_close
from keras import layers
from linear_cases import SHAPE, block, chain, conv, norm
from lowering_checks import (
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

from keras_upsample.lowering import lower
from keras_upsample.lowering._rules import fold, identity, merge, nearest
from keras_upsample.program._applied import KEEP
from keras_upsample.program._signature import output_names_of

NORM, CONV = layers.BatchNormalization, layers.Conv2D


# Nested models


def test_functional_in_functional():
    model = model_of(chain(block(), layers.ReLU(), block(2)), *SHAPE)
    lowered = check(model, fold)
    assert flat(lowered) and not count(lowered.model, NORM)


def test_a_norm_outside_meets_a_convolution_inside():
    inner = model_of(conv(), *SHAPE)
    lowered = check(model_of(chain(inner, norm()), *SHAPE), fold)
    assert not count(lowered.model, NORM)


def test_sequential_in_functional_in_sequential():
    inner = keras.Sequential([conv(padding="same"), layers.Dropout(0.5), norm()])
    x = keras.Input(SHAPE)
    middle = keras.Model(x, inner(x))
    model = stirred(keras.Sequential([keras.Input(SHAPE), middle, conv(2, 1)]))
    lowered = check(model, fold, identity, merge)
    assert flat(lowered) and count(lowered.model, CONV) == 1


def test_nested_twice_keeps_its_weights_shared():
    lowered = check(model_of(chain(inner := block(), layers.ReLU(), inner), *SHAPE))
    assert flat(lowered) and not lowered.applied
    assert count(lowered.model, CONV) == count(lowered.model, NORM) == 1


def test_nested_with_a_list():
    a, b = keras.Input(SHAPE), keras.Input(SHAPE)
    inner = keras.Model([a, b], norm()(conv()(a)) - 2 * conv(name="right")(b))
    x, y = keras.Input(SHAPE), keras.Input(SHAPE)
    lowered = check(stirred(keras.Model([x, y], inner([y, x]))), fold)
    assert flat(lowered)


@pytest.mark.parametrize("swapped", [False, True])
def test_nested_with_a_dict(swapped):
    """Its keys count, not the names of the inputs, which may be others."""
    names = ("right", "left") if swapped else ("left", "right")
    a, b = keras.Input(SHAPE, name=names[0]), keras.Input(SHAPE, name=names[1])
    outputs = {"z": norm()(conv()(a)), "a": conv(name="other")(b)}
    inner = keras.Model({"left": a, "right": b}, outputs)
    x, y = keras.Input(SHAPE, name="x"), keras.Input(SHAPE, name="y")
    results = inner({"right": x, "left": y})
    lowered = check(stirred(keras.Model([x, y], [results["a"], results["z"]])), fold)
    assert flat(lowered)


def test_nested_with_a_list_given_a_dict():
    a, b = keras.Input(SHAPE, name="b"), keras.Input(SHAPE, name="a")
    inner = keras.Model([a, b], conv()(a) - 2 * conv(name="other")(b))
    x, y = keras.Input(SHAPE), keras.Input(SHAPE)
    lowered = check(stirred(keras.Model([x, y], inner({"a": x, "b": y}))))
    assert flat(lowered)


def test_nested_at_inference():
    """As a frozen encoder is called; what its layers say about training goes behind."""
    x = keras.Input(SHAPE)
    inner = keras.Model(x, layers.Dropout(0.5)(norm()(conv()(x)), training=True))
    outer = keras.Input(SHAPE)
    model = stirred(keras.Model(outer, conv(2, 1)(inner(outer, training=False))))
    lowered = check(model, fold, identity, merge)
    assert flat(lowered) and count(lowered.model, CONV) == 1


IN_TRAINING = {
    "norm": (chain(conv(), lambda x: norm()(x, training=True)), fold, NORM),
    "norm before": (chain(lambda x: norm()(x, training=True), conv()), fold, NORM),
    "dropout": (lambda x: layers.Dropout(0.5)(x, training=True), identity, layers.Dropout),
    "nested": (lambda x: conv(2, 1)(block()(x, training=True)), fold, NORM),
}


@pytest.mark.parametrize("name", IN_TRAINING)
def test_what_the_graph_says_about_training_goes_behind(name):
    """`model.predict` and `training=False` overrule it, and so does a lowered model."""
    stack, rule, kind = IN_TRAINING[name]
    model = model_of(stack, *SHAPE)
    image = noise(2, *SHAPE)
    expected = model.predict(image, verbose=0)
    lowered = check(model, rule)
    assert flat(lowered) and not count(lowered.model, kind)
    assert_close(lowered.model(image), expected)
    assert np.abs(np.asarray(model(image)) - expected).max() > 0.1


class SaysTraining(keras.Model):
    """What the `call` of a model's own says about training holds, whatever it is told itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = conv(), norm()

    def call(self, x):
        return self.norm(self.conv(x), training=True)


def test_a_call_of_its_own_in_training_stays():
    model = SaysTraining()
    model(noise(2, *SHAPE))
    stirred(model)
    lowered = lower(model, target())
    assert lowered.model is model and not lowered.applied
    assert "asks layer 'batch_normalization" in lowered.notice


def test_three_levels_and_a_shared_layer():
    shared = conv(padding="same")
    x = keras.Input(SHAPE)
    inner = keras.Model(x, norm()(shared(x)))
    y = keras.Input(SHAPE)
    middle = keras.Model(y, shared(inner(y)))
    lowered = check(model_of(chain(middle, shared), *SHAPE))
    assert flat(lowered) and not lowered.applied and count(lowered.model, CONV) == 1


def test_equal_names_of_nested_layers():
    parts = [
        keras.Sequential([conv(padding="same", name="same"), norm(name="norm")], name=name)
        for name in ("first", "second")
    ]
    model = model_of(chain(*parts, layers.ReLU(name="image_1"), conv(2, 1, name="same")), *SHAPE)
    lowered = check(model, fold)
    names = [layer.name for layer in lowered.model.layers]
    assert len(names) == len(set(names))
    assert names[1:] == ["same", "same_1", "image_1", "same_2"]


def test_surviving_layers_keep_their_names():
    stack = chain(
        conv(4, padding="same", name="encode"),
        norm(name="gone"),
        layers.UpSampling2D(name="up"),
        layers.Dropout(0.5, name="gone_too"),
        conv(name="decode"),
        layers.ReLU(name="relu"),
        layers.Lambda(lambda x: x * 2, name="twice"),
        conv(2, 1, name="head"),
    )
    lowered = check(model_of(stack, *SHAPE))
    names = [layer.name for layer in lowered.model.layers]
    assert names == ["image", "encode", "up", "decode", "relu", "twice", "head"]
    entry = lowered.applied[0]
    assert entry.layers == ("encode", "gone")


# Inputs and outputs


def test_several_inputs_and_outputs():
    a, b = keras.Input(SHAPE, name="left"), keras.Input((4, 4, 1), name="right")
    y = norm(name="normalised")(conv()(a))
    model = stirred(keras.Model([a, b], [y, layers.ReLU(name="relu")(y), conv(2, 3)(b)]))
    lowered = check(model, fold)
    assert lowered.model.output_names == model.output_names
    assert [x.name for x in lowered.model.inputs] == ["left", "right"]
    assert lowered.model.output_names[0] == "normalised"


def test_dicts_nested_in_lists():
    inputs = {
        "a": keras.Input(SHAPE, name="a"),
        "b": [keras.Input(SHAPE, name="c"), keras.Input(SHAPE, name="d")],
    }
    y = conv(name="y")(inputs["b"][1] - 2 * inputs["a"] + 3 * inputs["b"][0])
    model = stirred(keras.Model(inputs, {"z": y, "more": [norm(name="n")(y)]}))
    lowered = check(model)
    feeds = keras.tree.pack_sequence_as(inputs, feed_of(model))
    result = lowered.model(feeds)
    assert set(result) == {"z", "more"} and len(result["more"]) == 1
    assert lowered.model.output_names == output_names_of(model, model(feeds))


def test_names_of_dict_outputs():
    x = keras.Input(SHAPE)
    y = conv(name="c")(x)
    model = stirred(keras.Model(x, {"z": layers.Dropout(0.1)(norm()(y)), "a": layers.ReLU()(x)}))
    lowered = check(model, fold, identity)
    assert lowered.model.output_names == ["a", "z"] == output_names_of(model, model.output)


def test_names_that_no_format_takes():
    x = keras.Input(SHAPE, name="the image")
    model = stirred(keras.Model(x, [norm(name="scores.1")(conv()(x)), conv(name="2nd")(x)]))
    lowered = check(model, fold)
    assert lowered.model.output_names == ["scores_1", "tensor_2nd"]
    assert lowered.model.output_names == output_names_of(model, model.output)
    assert [x.name for x in lowered.model.inputs] == ["the_image"]


def test_a_list_of_one():
    x = keras.Input(SHAPE)
    model = stirred(keras.Model([x], [norm()(conv()(x))]))
    lowered = check(model, fold)
    feeds = feed_of(model)
    assert type(lowered.model(feeds)) is type(model(feeds))


def test_an_output_that_is_an_input():
    x = keras.Input(SHAPE, name="image")
    outputs = {
        "as it is": x,
        "dropped": layers.Dropout(0.5)(x),
        "other": conv(name="identity")(x),
    }
    lowered = check(stirred(keras.Model(x, outputs)), identity)
    assert type(lowered.model.get_layer("identity")) is CONV


def test_an_output_of_integers_that_is_an_input():
    x = keras.Input((4,), dtype="int32")
    assert_same(lower(model := keras.Model(x, [x, layers.Dropout(0.5)(x)]), target()), model)


def test_one_output_twice():
    x = keras.Input(SHAPE)
    y = norm(name="y")(conv()(x))
    model = stirred(keras.Model(x, [y, layers.Dropout(0.1, name="d")(y), y]))
    lowered = check(model, identity)
    assert lowered.model.output_names == ["y", "d", "y_1"]


def test_an_output_inside_the_graph():
    x = keras.Input(SHAPE)
    y = norm()(conv(padding="same")(x))
    z = conv(2)(layers.UpSampling2D()(y))
    model = stirred(keras.Model(x, [z, y]))
    lowered = check(model, fold, nearest, forms={nearest.NAME: "shuffle"})
    assert not count(lowered.model, NORM)


def test_an_input_that_nothing_reads():
    a, b = keras.Input(SHAPE), keras.Input(SHAPE)
    model = stirred(keras.Model([a, b], norm()(conv()(b))))
    assert len(check(model, fold).model.inputs) == 2


def test_sizes_are_fixed_where_they_are_given():
    model = model_of(chain(layers.UpSampling2D(), conv(padding="same")), None, None, 3)
    assert lower(model, target()).model.input_shape == (None, None, None, 3)
    assert lower(model, target(), input_shape=(4, 6, 3)).model.input_shape == (None, 4, 6, 3)
    lowered = lower(model, "tflite", input_shape=(4, 6, 3))
    assert lowered.model.input_shape == (1, 4, 6, 3)
    assert names_of(lowered) == [nearest.NAME]
    assert lower(model, "tflite").model.input_shape == (1, 256, 256, 3)
    assert_same(lowered, lower(model, target(), input_shape=(4, 6, 3)).model, batch=1)


# What it says


def test_forms_that_the_table_does_not_name():
    model = model_of(chain(layers.UpSampling2D(name="up"), conv(name="c")), *SHAPE)
    lowered = check(model)
    (entry,) = lowered.applied
    assert (entry.rule, entry.layers, entry.form) == (nearest.NAME, ("up", "c"), KEEP)
    assert str(entry) == f"{nearest.NAME}: up, c: as it is: {entry.gain}"
    assert "no form" in entry.gain and entry.measured is None
    assert count(lowered.model, layers.UpSampling2D) == 1


def test_rules_that_the_target_forbids():
    model = model_of(chain(conv(), norm()), *SHAPE)
    assert not lower(model, target(never=frozenset({fold.NAME}))).applied


def test_bad_arguments():
    model = model_of(conv(), *SHAPE)
    with pytest.raises(ValueError, match="`targets` may hold"):
        lower(model, "tflight")
    with pytest.raises(TypeError, match=r"`model` must be a keras\.Model"):
        lower(conv())
