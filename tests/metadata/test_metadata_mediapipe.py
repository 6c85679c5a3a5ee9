"""MediaPipe's ImageSegmenter on our files: it loads them, names the classes, and segments a JPEG as
our own prediction does."""

import keras
import media
import numpy as np
import pytest
from PIL import Image

from keras_upsample.data import photograph
from keras_upsample.export import to_tflite
from keras_upsample.metadata import IMAGENET, Input, Metadata, Output, Scaling, attach
from keras_upsample.predict import predict
from keras_upsample.runtimes import load

pytestmark = media.needed

HEIGHT, WIDTH = 48, 64
NAMES = ("Himmel", "Straße", "空")


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory):
    path = tmp_path_factory.mktemp("jpeg") / "photograph.jpg"
    picture = Image.fromarray(photograph("astronaut")).resize((WIDTH, HEIGHT))
    picture.save(path, quality=95)
    return path


def network(classes=3, activation=None, channels=3):
    """Of scores that differ by little over the range of the input."""
    image = keras.Input((HEIGHT, WIDTH, channels), name="image")
    x = keras.layers.Conv2D(6, 3, padding="same", activation="tanh")(image)
    y = keras.layers.Conv2D(classes, 1, activation=activation, name="scores")(x)
    model = keras.Model(image, y, name="net")
    rng = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.7, weight.shape))
    return model


def described(model, kind="logits", scaling=None, task="segmentation", names=NAMES):
    facts = Metadata(
        "net",
        task=task,
        inputs=(Input("image", scaling=scaling or Scaling()),),
        outputs=(Output("scores", kind, names),),
    )
    return attach(model, facts)


def probabilities(model, pixels, scaling, kind="logits"):
    """What the model says of pixels, by NumPy."""
    values = pixels[None] / 255.0 * np.array(scaling.scale) + np.array(scaling.offset)
    scores = np.asarray(model(values.astype("float32")), "float64")[0]
    if kind != "logits":
        return scores
    if scores.shape[-1] == 1:
        return 1 / (1 + np.exp(-scores))
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    ("scaling", "kind", "activation"),
    [
        (Scaling(), "logits", None),
        (Scaling.to_range(-1, 1), "logits", None),
        (Scaling.to_range(0, 255), "probabilities", "softmax"),
    ],
)
def test_labels_and_confidences_are_ours(tmp_path, jpeg, scaling, kind, activation):
    model = described(network(activation=activation), kind, scaling)
    path = tmp_path / "m.tflite"
    to_tflite(model, path)
    found = media.segment(path, jpeg, tmp_path)
    assert found["labels"] == list(NAMES)
    ours = probabilities(model, found["pixels"], scaling, kind)
    assert found["confidence"].shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(found["confidence"], ours, atol=1e-4)
    clear = np.diff(np.sort(ours, -1)[..., -2:])[..., 0] > 1e-3
    assert clear.mean() > 0.98 and len(np.unique(found["category"])) == 3
    np.testing.assert_array_equal(found["category"][clear], ours.argmax(-1)[clear])
    np.testing.assert_array_equal(
        predict(path, found["pixels"]).labels[clear], ours.argmax(-1)[clear]
    )


def test_one_channel_is_foreground_where_above_a_half(tmp_path, jpeg):
    model = described(network(1), task="binary_segmentation", names=("cell",))
    shown = np.asarray(Image.open(jpeg))[None] / np.float32(255)
    bias = model.layers[-1].bias
    bias.assign(bias - float(np.median(np.asarray(model(shown)))))
    to_tflite(model, tmp_path / "m.tflite")
    found = media.segment(tmp_path / "m.tflite", jpeg, tmp_path)
    ours = probabilities(model, found["pixels"], Scaling())
    np.testing.assert_allclose(found["confidence"], ours, atol=1e-4)
    clear = np.abs(ours[..., 0] - 0.5) > 1e-3
    inside = found["category"] == 0  # MediaPipe's way: 0 where it is, 255 where it is not
    assert set(np.unique(found["category"])) == {0, 255}
    np.testing.assert_array_equal(inside[clear], (ours[..., 0] > 0.5)[clear])
    assert found["labels"] == ["cell"]


def test_several_labels_a_pixel_have_a_sigmoid_each(tmp_path, jpeg):
    model = described(network(), task="multi_label_segmentation")
    to_tflite(model, tmp_path / "m.tflite")
    found = media.segment(tmp_path / "m.tflite", jpeg, tmp_path)
    values = found["pixels"][None] / np.float32(255)
    ours = 1 / (1 + np.exp(-np.asarray(model(values), "float64")[0]))
    np.testing.assert_allclose(found["confidence"], ours, atol=1e-4)


@pytest.mark.parametrize(
    ("scaling", "why"),
    [(IMAGENET, "Per-channel image normalization is not available"),
     (Scaling("percentiles"), "requires specifying NormalizationOptions")],
)  # fmt: skip
def test_what_mediapipe_can_not_scale_it_refuses(tmp_path, jpeg, scaling, why):
    """Nothing is wrong in silence; for the first, docs/mobile.md names scaling inside the file."""
    to_tflite(described(network(), scaling=scaling), tmp_path / "m.tflite")
    with pytest.raises(media.Refused, match=why):
        media.segment(tmp_path / "m.tflite", jpeg, tmp_path)


@pytest.mark.parametrize("scaling", [IMAGENET, Scaling(), Scaling.to_range(-1, 1)])
def test_a_file_that_scales_itself_takes_frames(tmp_path, jpeg, scaling):
    model = described(network(), scaling=scaling)
    path = tmp_path / "m.tflite"
    to_tflite(model, path, scaling="inside")
    found = media.segment(path, jpeg, tmp_path)
    assert found["labels"] == list(NAMES)
    ours = probabilities(model, found["pixels"], scaling)
    np.testing.assert_allclose(found["confidence"], ours, atol=1e-4)


@pytest.mark.parametrize("integer_io", [False, True])
def test_eight_bit_files_take_frames(tmp_path, jpeg, integer_io):
    """Outputs of scaled integers are real numbers to MediaPipe too."""
    scaling = Scaling.to_range(-1, 1)
    model = described(network(), scaling=scaling)
    path = tmp_path / "m.tflite"
    to_tflite(model, path, precision="int8", scaling="inside", integer_io=integer_io)
    found = media.segment(path, jpeg, tmp_path)
    ours = probabilities(model, found["pixels"], scaling)
    assert np.abs(found["confidence"] - ours).mean() < 0.02
    assert np.mean(found["category"] == ours.argmax(-1)) > 0.93
    runner = load(path)  # to the last step of the integers where both run XNNPACK's kernels
    scores = runner({"image": found["pixels"][None]})["scores"][0].astype("float64")
    e = np.exp(scores - scores.max(-1, keepdims=True))
    close = np.abs(found["confidence"] - e / e.sum(-1, keepdims=True)) < 0.02
    assert close.mean() > 0.99


def test_signed_inputs_are_refused(tmp_path, jpeg):
    """As docs/mobile.md says of int8 inputs."""
    path = tmp_path / "m.tflite"
    to_tflite(described(network()), path, precision="int8", integer_io=True)
    with pytest.raises(media.Refused, match="uint8/float32, got INT8"):
        media.segment(path, jpeg, tmp_path)
