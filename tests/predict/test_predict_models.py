"""Models of every kind, tiled, against the whole image in Keras."""

import errno
import io
import os

import keras
import numpy as np
import pytest
from compare import assert_close
from predicting import picture, small_net

from keras_upsample import layers, runtimes, zoo
from keras_upsample._keras_file import load_keras_file
from keras_upsample.errors import ArtefactError
from keras_upsample.predict import load_model, predict
from keras_upsample.predict._stride import stride_of

KINDS = ("keras", ".keras", "onnx", "onnx nchw", "tflite", "SavedModel")


def whole(model, image: np.ndarray) -> np.ndarray:
    """Probabilities of the image at once, by Keras and a softmax in float64."""
    logits = np.asarray(model(image[None].astype("float32") / 255, training=False))[0]
    powers = np.exp(logits.astype("float64"))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(61, 75), (32, 24), (9, 50), (5, 3), (1, 1)])
def test_every_format_tiled_is_the_whole_image(kind: str, size, artefacts) -> None:
    image = picture(*size)
    model = load_model(artefacts[kind], stride=2, normalization="full_range")
    tile = None if kind == "tflite" else 24
    result = predict(model, image, tile=tile, overlap=8, probabilities=True)
    # 8/4 is as far as the network sees: no tile shows
    expected = whole(artefacts["keras"], image)
    assert_close(result.probabilities, expected, of_range=5e-6)
    clear = np.sort(expected, axis=-1)[..., -1] - np.sort(expected, axis=-1)[..., -2] > 1e-4
    np.testing.assert_array_equal(result.labels[clear], expected.argmax(-1)[clear])
    assert clear.mean() > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_from_a_model(kind: str, artefacts) -> None:
    model = load_model(artefacts[kind])
    assert (model.outputs, model.scale, model.gives_picture, model.kind == "logits") == (
        3,
        1,
        False,
        True,
    )
    assert model.network.channels == 3
    assert model.network.size == ((32, 24) if kind == "tflite" else (None, None))
    knows = kind != ".keras"  # attributes are not saved by Keras, metadata would be
    assert model.classes == (("ground", "water", "sky") if knows else ())
    assert model.scaling.base == ("percentiles" if knows else "full_range")
    assert load_model(model) is model
    named = load_model(model, classes=["a", "b", "c"], normalization="none")
    assert (named.classes, named.scaling.base) == (("a", "b", "c"), "stored")


def test_a_loaded_file_is_a_model(artefacts) -> None:
    image = picture(20, 24)
    runner = runtimes.load(artefacts["onnx"], threads=1)
    result = predict(load_model(runner, normalization="full_range"), image)
    np.testing.assert_array_equal(result.labels, predict_once(artefacts, image))


def predict_once(artefacts, image: np.ndarray) -> np.ndarray:
    return predict(load_model(artefacts["keras"], normalization="full_range"), image).labels


def test_a_file_of_a_fixed_batch(artefacts, tmp_path) -> None:
    import onnx

    image = picture(20, 24)
    proto = onnx.load(str(artefacts["onnx"]))
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    onnx.save(proto, str(tmp_path / "two.onnx"))
    model = load_model(tmp_path / "two.onnx", normalization="full_range")
    np.testing.assert_array_equal(predict(model, image).labels, predict_once(artefacts, image))


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_super_resolution(scale: int, channels: int) -> None:
    inputs = keras.Input((None, None, channels), name="image")
    x = keras.layers.Conv2D(5, 3, padding="same", activation="relu")(inputs)
    x = layers.SubpixelConv2D(channels, scale, kernel_size=3)(x)
    x = keras.layers.Activation("linear", name="enlarged")(x)
    network = keras.Model(inputs, x)
    rng = np.random.default_rng(38)
    for weight in network.weights:
        kernel = rng.uniform(0, 2 / np.prod(weight.shape[:-1]), weight.shape)
        weight.assign(kernel if len(weight.shape) > 1 else 0 * kernel)
    model = load_model(network, stride=1)
    assert (model.scale, model.gives_picture, model.kind == "logits") == (scale, True, False)
    image = picture(29, 41, channels)
    result = predict(model, image, tile=16, overlap=8).picture
    values = np.asarray(network(image[None].astype("float32") / 255))[0]
    expected = np.clip(values, 0, 1) * 255
    assert result.shape == (29 * scale, 41 * scale, channels)
    assert np.abs(result - expected).max() < 0.501  # it is rounded
    assert np.ptp(expected) > 50 and (expected % 255 > 0).mean() > 0.9


def test_a_map_larger_than_the_image_of_other_channels_is_classes() -> None:
    inputs = keras.Input((None, None, 3), name="image")
    x = keras.layers.Conv2DTranspose(4, 2, strides=2, name="logits")(inputs)
    model = load_model(keras.Model(inputs, x))
    assert (model.scale, model.gives_picture, model.class_count) == (2, False, 4)
    assert predict(model, picture(6, 5)).labels.shape == (12, 10)


@pytest.mark.parametrize(
    ("name", "activation", "logits"),
    [
        ("logits", "sigmoid", False),  # what the graph says
        ("probabilities", None, False),
        ("mask", "sigmoid", False),  # what the values say
        ("mask", "softmax", False),
        ("mask", None, True),
    ],
)
def test_probabilities_or_logits(name: str, activation, logits: bool) -> None:
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(2, 1, activation=activation, name=name)(inputs)
    model = keras.Model(inputs, x)
    model.layers[-1].set_weights([np.full((1, 1, 3, 2), 2.0), np.array([-3.0, 3.0])])
    assert (load_model(model).kind == "logits") is logits


def test_a_model_under_mixed_precision_predicts_in_float32() -> None:
    image = picture(16, 16)
    plain = small_net()
    expected = whole(plain, image)
    for layer in plain.layers:
        layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
    model = load_model(plain, normalization="full_range")
    result = predict(model, image, probabilities=True).probabilities
    assert_close(result, expected, of_range=1e-5)
    assert plain.layers[2].dtype_policy.name == "mixed_bfloat16"  # left as it was


def test_strides() -> None:
    assert stride_of(zoo.unet(filters=(2,) * 7), 3) == 64
    assert stride_of(zoo.unet(filters=(2, 2, 2)), 3) == 32  # a multiple of 32 in any case
    assert stride_of(small_net(size=(48, 64)), 3) == 32
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(2, 3, strides=3, padding="same")(inputs)
    thrice = keras.Model(inputs, keras.layers.UpSampling2D(3)(x))
    assert stride_of(thrice, 3) == 96
    fixed_inside = keras.Model(inputs, keras.layers.Reshape((48, 48, 3))(inputs))
    assert stride_of(fixed_inside, 3) == 32  # it can't be traced at 960 pixels

    class Subclass(keras.Model):
        def call(self, x):
            return x

    assert stride_of(Subclass(), 3) == 32


def test_a_keras_model_of_a_fixed_size() -> None:
    image = picture(61, 75)
    open_, fixed = small_net(), small_net(size=(32, 24))
    fixed.set_weights(open_.get_weights())
    result = predict(load_model(fixed, stride=2), image, overlap=8, probabilities=True)
    assert_close(result.probabilities, whole(open_, image), of_range=5e-6)


def test_a_subclassed_model() -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.conv = keras.layers.Conv2D(3, 3, padding="same")

        def call(self, x):
            return self.conv(x)

    net, image = Net(), picture(20, 30)
    expected = whole(net, image)
    result = predict(net, image, probabilities=True).probabilities
    assert_close(result, expected, of_range=1e-5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda x: [x, keras.layers.Conv2D(1, 1)(x)], "has 2 outputs"),
        (lambda x: keras.layers.MaxPooling2D(2)(x), "gives (32, 32, 3) for an image of (64, 64"),
        (lambda x: keras.layers.GlobalAveragePooling2D()(x), "gives (3,) for an image of"),
        (lambda x: keras.layers.Conv2D(3, (3, 5))(x), "the same margin on every side"),
        (lambda x: keras.layers.Reshape((48, 48, 3))(x), "can't be run on 64x64 pixels"),
    ],
)
def test_models_that_are_none_for_pictures(build, message: str) -> None:
    inputs = keras.Input((None, None, 3), name="image")
    with pytest.raises(ValueError) as raised:
        load_model(keras.Model(inputs, build(inputs), name="net"))
    assert message in str(raised.value) and "'net'" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "inputs",
    [
        [keras.Input((None, None, 3)), keras.Input((None, None, 3))],
        [keras.Input((16, 3))],
        [keras.Input((16, 16, 3), dtype="int32")],
    ],
)
def test_inputs_that_are_no_picture(inputs) -> None:
    outputs = inputs[0] if len(inputs) == 1 else keras.layers.Add()(inputs)
    outputs = keras.layers.Identity()(outputs)
    with pytest.raises(ValueError, match="prediction is for models with one input"):
        load_model(keras.Model(inputs, outputs))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ["a", "b"]}, "`classes` must name the 3 classes of 'small'. Received 2: a, b"),
        ({"normalization": "zscore"}, "`normalization` must be one of 'full_range'"),
        ({"stride": 0}, "`stride` must be a whole number of pixels >= 1. Received: 0"),
        ({"stride": 2.0}, "`stride` must be a whole number"),
    ],
)
def test_bad_arguments(arguments, message: str, artefacts) -> None:
    with pytest.raises(ValueError) as raised:
        load_model(artefacts["keras"], **arguments)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.onnx", "is neither a preset (unet:cells"),
        ("unet:cell", "Did you mean 'unet:cells'?"),
        ("notes.txt", "of another kind. Allowed: a .keras, .h5, .tflite, .onnx or .xml file"),
        ("empty", "is a folder without saved_model.pb"),
        ("bad.onnx", "can't be loaded by ONNX Runtime"),
        ("bad.tflite", "can't be loaded by LiteRT"),
        ("bad.keras", "is damaged: a .keras file is a zip archive"),
        ("bad.h5", "can't be loaded by Keras"),
    ],
)
def test_files_that_are_no_models(name: str, message: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for file in ("notes.txt", "bad.onnx", "bad.tflite", "bad.keras", "bad.h5"):
        (tmp_path / file).write_text("no model")
    with pytest.raises(ArtefactError) as raised:
        load_model(name)
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_a_file_that_can_not_be_opened_is_not_called_damaged(tmp_path, monkeypatch) -> None:
    (tmp_path / "net.keras").write_text("no model")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(ArtefactError, match=r"net.keras' can't be read: Permission denied\.$"):
        load_keras_file(tmp_path / "net.keras")


def test_things_that_are_no_models() -> None:
    with pytest.raises(TypeError, match="`model` must be a keras"):
        load_model(3)


def test_presets_bring_names_colours_and_scaling(monkeypatch) -> None:
    from dataclasses import replace

    net = small_net(2)
    monkeypatch.setattr(zoo, "unet", lambda weights: {"cells": net}[weights], raising=False)
    cells = zoo.PRESETS["unet:cells"]
    coloured = replace(cells, colours=((0, 0, 0), (1, 2, 3), (4, 5, 6)))
    monkeypatch.setattr(zoo, "PRESETS", {"unet:cells": coloured}, raising=False)
    model = load_model("unet:cells")
    assert model.classes == ("background", "cytoplasm", "nucleus")
    assert model.colours == coloured.colours and model.scaling.base == "percentiles"
    image = picture(20, 30, 2, "uint16")
    result = predict(model, image, probabilities=True)
    assert (result.classes, result.colours) == (model.classes, coloured.colours)
    low, high = np.percentile(image, (1, 99.8), axis=(0, 1))
    scaled = np.clip((image - low) / (high - low), 0, 1)
    assert_close(result.probabilities, whole(net, scaled * 255), of_range=1e-5)
