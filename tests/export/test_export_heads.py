"""Heads: class maps, thresholds and probabilities, in every format, against NumPy."""

import keras
import numpy as np
import pytest
from keras import layers as L

import keras_upsample as ku
from keras_upsample.metadata import Metadata, Output, attach
from keras_upsample.runtimes import load

RNG = np.random.default_rng(61)
X = RNG.random((1, 24, 20, 3), dtype="float32")
FORMATS = ["saved_model", "tflite", "onnx"]


def net(channels: int, activation=None, layer: str = "", name: str = "scores"):
    image = keras.Input((24, 20, 3), name="image")
    inner = activation if not layer else None
    convolution = L.Conv2D(channels, 1, activation=inner, name=name)
    x = convolution(image)
    if layer == "Softmax":
        x = L.Softmax()(x)
    elif layer:
        x = L.Activation(layer, name="last")(x)
    model = keras.Model(image, x, name="net")
    kernel = RNG.normal(0, 4, (1, 1, 3, channels))
    kernel -= kernel.mean(axis=2, keepdims=True)  # so that about half of the pixels are above 0
    convolution.set_weights([kernel, RNG.normal(0, 0.1, channels)])
    return model


def exported(model, tmp_path, kind: str, **options):
    path = tmp_path / {"saved_model": "s", "tflite": "m.tflite", "onnx": "m.onnx"}[kind]
    getattr(ku.export, f"to_{kind}")(model, path, images=X, **options)
    (answer,) = load(path)({"image": X}).values()
    return answer, ku.metadata.read(path)


def scores(model) -> np.ndarray:
    return np.asarray(model(X)).astype("float64")


def away(values: np.ndarray, limit: float) -> np.ndarray:
    """Where rounding does not decide."""
    return np.abs(values - limit) > 1e-5


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("layer", ["", "sigmoid"])
@pytest.mark.parametrize("head", ["argmax", "threshold"])
def test_one_probability_becomes_a_class_map(head: str, layer: str, kind: str, tmp_path) -> None:
    model = net(1, "sigmoid", layer)
    found, metadata = exported(model, tmp_path, kind, head=head)
    values = scores(model)[..., 0]
    assert found.shape == (1, 24, 20) and found.dtype == np.uint8
    clear = away(values, 0.5)
    np.testing.assert_array_equal(found[clear], (values >= 0.5)[clear])
    assert 0.1 < found.mean() < 0.9 and clear.mean() > 0.99
    assert metadata.output.kind == "class_map"


@pytest.mark.parametrize("kind", FORMATS)
def test_one_logit_has_its_threshold_at_0(kind: str, tmp_path) -> None:
    model = net(1, name="logits")
    found, _ = exported(model, tmp_path, kind, head="argmax")
    values = scores(model)[..., 0]
    clear = away(values, 0)
    np.testing.assert_array_equal(found[clear], (values >= 0)[clear])
    assert 0.1 < found.mean() < 0.9


@pytest.mark.parametrize("given", ["argument", "metadata"])
def test_a_threshold_of_ones_own(given: str, tmp_path) -> None:
    model = net(1, "sigmoid")
    options = {"threshold": 0.8} if given == "argument" else {}
    if given == "metadata":
        attach(model, Metadata(outputs=(Output(threshold=0.8),)))
    found, _ = exported(model, tmp_path, "onnx", head="threshold", **options)
    values = scores(model)[..., 0]
    clear = away(values, 0.8)
    np.testing.assert_array_equal(found[clear], (values >= 0.8)[clear])
    assert (values >= 0.5).mean() > found.mean() + 0.05


@pytest.mark.parametrize("kind", FORMATS)
def test_several_labels(kind: str, tmp_path) -> None:
    model = net(4, "sigmoid")
    found, _ = exported(model, tmp_path, kind, head="threshold")
    values = scores(model)
    clear = away(values, 0.5)
    assert found.shape == (1, 24, 20, 4)
    np.testing.assert_array_equal(found[clear], (values >= 0.5)[clear])


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("model", [net(3, "softmax"), net(3, None, "Softmax")])
def test_probabilities_are_not_squashed_twice(model, kind: str, tmp_path) -> None:
    found, metadata = exported(model, tmp_path, kind, head="softmax")
    np.testing.assert_allclose(found, scores(model), atol=1e-5)
    assert metadata.output.kind == "probabilities"


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_one_channel_is_not_squashed_twice_either(head: str, tmp_path) -> None:
    model = net(1, "sigmoid")
    found, _ = exported(model, tmp_path, "onnx", head=head)
    np.testing.assert_allclose(found, scores(model), atol=1e-5)
    logits = net(1, name="logits")
    found, _ = exported(logits, tmp_path, "onnx", head=head)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-scores(logits))), atol=1e-5)


def test_scores_get_their_softmax(tmp_path) -> None:
    model = net(3)
    found, _ = exported(model, tmp_path, "onnx", head="softmax")
    powers = np.exp(scores(model))
    np.testing.assert_allclose(found, powers / powers.sum(-1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (net(1), {"head": "argmax"}, r"Pass `threshold` \(--threshold\)"),
        (net(1, "tanh"), {"head": "threshold"}, r"Pass `threshold`"),
        (net(3, "sigmoid"), {"head": "softmax"}, "would squash probabilities once more"),
        (net(3), {"head": "softmax", "threshold": 0.5}, "`threshold` is for head='threshold'"),
        (net(3), {"threshold": 0.5}, "`threshold` is for head='threshold'"),
        (net(1), {"head": "threshold", "threshold": "high"}, "`threshold` must be finite numbers"),
        (net(3), {"head": "best"}, "`head` must be None or one of 'argmax'"),
    ],
)
def test_what_can_not_be_known_is_asked_for(model, options, message: str, tmp_path) -> None:
    with pytest.raises(ValueError, match=message):
        ku.export.to_onnx(model, tmp_path / "m.onnx", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_scale_behind_a_threshold_of_ones_own(tmp_path) -> None:
    model = net(1)
    found, _ = exported(model, tmp_path, "tflite", head="threshold", threshold=-0.25)
    values = scores(model)[..., 0]
    clear = away(values, -0.25)
    np.testing.assert_array_equal(found[clear], (values >= -0.25)[clear])


def test_a_class_map_gets_no_second_head(tmp_path) -> None:
    ku.export.to_saved_model(net(3), tmp_path / "s", head="argmax", images=X)
    image = keras.Input((24, 20, 3), name="image")
    model = keras.Model(image, keras.ops.argmax(net(3)(image), axis=-1, keepdims=True))
    with pytest.raises(ValueError, match="gives class numbers already"):
        ku.export.to_saved_model(model, tmp_path / "t", head="argmax")
