"""What a SavedModel's own graph says: the range that it takes, and what its output is."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L

import keras_upsample as ku
from keras_upsample.introspection._keras import facts_of_program
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of

PICTURE = ku.data.photograph("coffee", (40, 56))


def caffe(x):
    """Blue first, the mean taken off, as VGG16 was trained."""
    return keras.applications.vgg16.preprocess_input(x)


DOORS = {
    "Rescaling": (L.Rescaling(1 / 255), (0, 255)),
    "around 0": (L.Rescaling(1 / 127.5, offset=-1), (0, 255)),
    "Normalization": (L.Normalization(mean=[120.0, 110, 100], variance=[3600.0] * 3), (0, 255)),
    "of [0, 1]": (L.Normalization(mean=[0.5, 0.4, 0.4], variance=[0.06] * 3), (0, 1)),
    "Lambda": (L.Lambda(lambda x: x / 255.0), (0, 255)),
    "caffe": (L.Lambda(caffe), (0, 255)),
    "none": (L.Identity(), None),
}


def net(door, channels=4, activation=None, size=(None, None)):
    keras.utils.set_random_seed(11)
    image = keras.Input((*size, 3), name="image")
    x = L.Conv2D(6, 3, padding="same", activation="relu")(door(image))
    return keras.Model(image, L.Conv2D(channels, 1, activation=activation, name="out")(x))


@pytest.mark.parametrize("size", [(None, None), (40, 56)], ids=["open", "fixed"])
@pytest.mark.parametrize("name", DOORS)
def test_the_range_of_somebody_elses_saved_model(name, size, tmp_path) -> None:
    door, ends = DOORS[name]
    model = net(door, activation="softmax", size=size)
    model.export(tmp_path / "theirs", verbose=False)
    if ends is None:
        with pytest.warns(UserWarning, match="Nothing says"):
            predictor = ku.predict.load_model(tmp_path / "theirs")
    else:
        predictor = ku.predict.load_model(tmp_path / "theirs")
        assert any("it begins with" in line for line in predictor.taken)
        assert not predictor.assumed
    assert predictor.kind == "probabilities"
    found = ku.predict.predict(predictor, PICTURE, probabilities=True).probabilities
    factor = 1 if ends == (0, 255) else 255
    expected = np.asarray(model(PICTURE[None].astype("float32") / factor))[0]
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(
    ("channels", "activation"), [(3, "sigmoid"), (3, "tanh"), (3, "relu"), (1, None)]
)
def test_what_may_be_several_things_is_asked_for(channels, activation, tmp_path) -> None:
    net(DOORS["Rescaling"][0], channels, activation).export(tmp_path / "m", verbose=False)
    with pytest.raises(ValueError, match="--task"):
        ku.predict.load_model(tmp_path / "m")


def test_a_contradiction_is_refused(tmp_path) -> None:
    net(DOORS["Rescaling"][0]).export(tmp_path / "m", verbose=False)
    model = ku.export.load_source(tmp_path / "m")
    facts = ku.metadata.Metadata(inputs=(ku.metadata.Input(value_range=(0, 1)),))
    with pytest.raises(ValueError, match="the graph is made for"):
        ku.export.to_onnx(ku.metadata.attach(model, facts), tmp_path / "m.onnx")


class Door(L.Layer):
    """Code of the user's, of which Keras says nothing."""

    def call(self, inputs):
        return tf.cast(inputs, "float32") / 255.0


class Subclassed(keras.Model):
    def __init__(self, wrapped):
        super().__init__()
        self.wrapped = wrapped

    def call(self, inputs):
        return self.wrapped(tf.identity(inputs))


@pytest.mark.parametrize("kind", ["saved model", "TFSMLayer", "own layer", "subclassed"])
def test_opaque_layers_are_seen_through(kind, tmp_path) -> None:
    model = net(DOORS["Rescaling"][0], activation="sigmoid")
    if kind == "saved model":
        model.export(tmp_path / "m", verbose=False)
        model = ku.export.load_source(tmp_path / "m")
    elif kind == "TFSMLayer":
        model.export(tmp_path / "m", verbose=False)
        image = keras.Input((32, 48, 3), name="image")
        layer = L.TFSMLayer(tmp_path / "m", call_endpoint="serving_default")
        model = keras.Model(image, layer(image))
    elif kind == "own layer":
        model = net(Door(), activation="sigmoid")
    else:
        model = Subclassed(model)
        model(np.zeros((1, 32, 48, 3), "float32"))
    facts = facts_of_program(program_of(model, signature_of(model, (32, 48, 3))))
    assert facts.doors[0].value_range == (0, 255)
    assert facts.activations == ("sigmoid",)
    report = ku.export.to_tflite(model, tmp_path / "m.tflite", input_shape=(32, 48, 3))
    assert not report.assumed
