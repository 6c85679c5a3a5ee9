"""What values mean: by metadata, by the graph, by what the user says; else said or refused."""

import warnings

import keras
import numpy as np
import onnx
import pytest
from keras import layers as L
from onnx import TensorProto, helper, numpy_helper
from predicting import predictor

import keras_upsample as ku
from keras_upsample.metadata import IMAGENET, Input, Metadata, Output, Scaling, attach
from keras_upsample.predict import load_model, predict

RNG = np.random.default_rng(50)
PICTURE = RNG.integers(0, 256, (20, 24, 3), dtype="uint8")


def brighter_than(threshold: float, door=lambda x: x, size=(None, None), dtype="float32", **head):
    """Class 1 where the mean of the channels, behind the door, is above the threshold."""
    image = keras.Input((*size, 3), name="image", dtype=dtype)
    layer = L.Conv2D(2, 1, name="scores", **head)
    model = keras.Model(image, layer(door(image)), name="bright")
    weights = np.zeros((1, 1, 3, 2), "float32")
    weights[..., 1] = 1
    layer.set_weights([weights, np.array([3 * threshold, 0], "float32")])
    return model


MEAN = PICTURE.astype("float64").mean(-1)  # of the stored values, 0 to 255

DOORS = {
    "1/255": (lambda x: L.Rescaling(1 / 255)(x), 0.5),
    "1/127.5 - 1": (lambda x: L.Rescaling(1 / 127.5, -1)(x), 0.0),
    "operators": (lambda x: x / 127.5 - 1.0, 0.0),
    "normalization": (
        lambda x: L.Normalization(mean=[127.5] * 3, variance=[64.0**2] * 3)(x),
        0.0,
    ),
    "caffe": (keras.applications.vgg16.preprocess_input, 127.5 - 110.5),
    "tf": (keras.applications.mobilenet_v2.preprocess_input, 0.0),
    "torch": (keras.applications.densenet.preprocess_input, (0.5 - 0.449) / 0.226),
    "nested": (
        lambda x: keras.Sequential([keras.Input((20, 24, 3)), L.Rescaling(1 / 255)])(x),
        0.5,
    ),
}


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("kind", ["keras", "saved", "tflite", "onnx", "nchw"])
def test_a_rescaling_at_the_door_is_seen(name: str, kind: str, tmp_path) -> None:
    """By Keras' own arithmetic on the stored values, in every format."""
    door, threshold = DOORS[name]
    model = brighter_than(threshold, door, (20, 24))
    expected = np.asarray(model(PICTURE[None].astype("float32")))[0].argmax(-1)
    assert 0.2 < expected.mean() < 0.8
    source = model
    if kind != "keras":
        target = {"saved": "saved_model", "nchw": "onnx"}.get(kind, kind)
        path = tmp_path / f"m.{target}"
        write = getattr(ku.export, f"to_{target}")
        extra = {"layout": "nchw"} if kind == "nchw" else {}
        write(model, path, images=PICTURE[None], **extra)
        source = path
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = predict(source, PICTURE).labels
    assert (found == expected).mean() > 0.995


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_it_is_seen_in_a_file_without_metadata(kind: str, tmp_path) -> None:
    """As another exporter would have written it."""

    def door(x):  # the pool keeps TFLite's converter from folding it into the convolution
        return L.MaxPooling2D(1)(L.Rescaling(1 / 127.5, -1)(x))

    model = brighter_than(0, door, (20, 24))
    expected = np.asarray(model(PICTURE[None].astype("float32")))[0].argmax(-1)
    if kind == "onnx":
        path = tmp_path / "m.onnx"
        model.export(path, format="onnx", verbose=False)
    else:
        path = tmp_path / "m.tflite"
        model.export(path, format="litert", verbose=False)
    assert ku.metadata.read(path) is None
    with pytest.warns(UserWarning, match="scores of classes are assumed"):
        loaded = load_model(path)
    assert loaded.scaling.value_range == (0, 255)
    assert any("by the graph" in line for line in loaded.taken)
    assert (predict(loaded, PICTURE).labels == expected).mean() > 0.995


def test_uint8_input() -> None:
    model = brighter_than(0.5, lambda x: L.Rescaling(1 / 255)(x), dtype="uint8")
    expected = np.asarray(model(PICTURE[None]))[0].argmax(-1)
    with pytest.warns(UserWarning):
        loaded = load_model(model)
    np.testing.assert_array_equal(predict(loaded, PICTURE).labels, expected)
    wide = PICTURE.astype("uint16") * 257  # the same picture in 16 bits
    np.testing.assert_array_equal(predict(loaded, wide).labels, expected)


def test_metadata_goes_before_the_graph_and_contradictions_are_refused() -> None:
    model = brighter_than(0.5, lambda x: L.Rescaling(1 / 255)(x))
    attach(model, Metadata(inputs=(Input("image", scaling=Scaling()),)))
    with pytest.raises(ValueError, match="takes values 0 to 1, and the graph is made"):
        load_model(model)
    with pytest.raises(ValueError, match="the graph is made for 0 to 255"):
        ku.export.to_onnx(model, "never.onnx")


@pytest.mark.parametrize(
    "given", ["imagenet", IMAGENET, "0.485,0.456,0.406/0.229,0.224,0.225",
              ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))],
)  # fmt: skip
def test_mean_and_deviation(given) -> None:
    seen = []
    model = predictor(lambda x: seen.append(x) or x)
    predict(load_model(model, normalization=given), PICTURE)
    expected = (PICTURE / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(seen[0], expected, atol=1e-5)


def test_a_mean_for_other_channels_is_refused() -> None:
    model = predictor(channels=1, outputs=1)
    with pytest.raises(ValueError, match="The scaling is for 3 channels, and the image has 1"):
        predict(load_model(model, normalization="imagenet"), PICTURE[..., 0])
    with pytest.raises(ValueError, match="`normalization` must be one of"):
        load_model(model, normalization="0.5;0.5")


# -- tasks


def net(channels: int, activation=None, name="out", scale: int = 1, inputs: int = 3, **facts):
    image = keras.Input((None, None, inputs), name="image")
    x = L.UpSampling2D(scale)(image) if scale > 1 else image
    layer = L.Conv2D(channels, 1, activation=activation, name=name, use_bias=False)
    model = keras.Model(image, layer(x), name="net")
    layer.set_weights([RNG.normal(0, 1, (1, 1, inputs, channels))])
    known = {"inputs": (Input("image", scaling=Scaling()),), **facts}
    return attach(model, Metadata(**known))


REFUSED = [
    net(1),  # a depth? a mask?
    net(1, "relu"),
    net(3, "tanh"),
    net(1, "tanh"),
    net(3, scale=2),  # a picture? three classes?
    net(3, "sigmoid"),  # a picture? three labels?
    net(1, "sigmoid", scale=2, inputs=1),
]


@pytest.mark.parametrize("model", REFUSED)
def test_what_is_open_is_refused_with_the_list(model) -> None:
    with pytest.raises(ValueError) as raised:
        load_model(model)
    text = str(raised.value)
    assert "Say it by `task` (--task): segmentation, binary_segmentation" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("model", "task", "kind"),
    [
        (net(3, "softmax"), "segmentation", "probabilities"),
        (net(1, "sigmoid"), "binary_segmentation", "probabilities"),
        (net(4, "sigmoid"), "multi_label_segmentation", "probabilities"),
        (net(1, name="logits"), "binary_segmentation", "logits"),
        (net(5, name="logits"), "segmentation", "logits"),
        (net(3, scale=2, name="enlarged"), "super_resolution", "picture"),
        (net(1, task="regression"), "regression", "regression"),
        (net(3, "tanh", task="restoration"), "restoration", "picture"),
        (net(3, "sigmoid", task="multi_label_segmentation"), "multi_label_segmentation",
         "probabilities"),
        (net(3, scale=2, outputs=(Output(kind="picture"),)), "super_resolution", "picture"),
        (net(1, outputs=(Output(kind="regression", unit="m"),)), "regression", "regression"),
    ],
)  # fmt: skip
def test_what_is_known_is_taken_without_a_word(model, task: str, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        found = load_model(model)
    assert (found.task, found.kind, found.assumed) == (task, kind, ())


def test_scores_without_a_name_are_assumed_and_said() -> None:
    with pytest.warns(UserWarning, match="4 channels of 'out' are; scores of classes are assumed"):
        found = load_model(net(4))
    assert (found.task, found.kind) == ("segmentation", "logits")


def test_a_depth_is_numbers() -> None:
    model = net(1, task="regression")
    result = predict(model, PICTURE)
    expected = np.asarray(model(PICTURE[None].astype("float32") / 255))[0]
    assert result.labels is None and result.picture is None and result.values.shape == (20, 24, 1)
    np.testing.assert_allclose(result.values, expected, atol=1e-5)


def test_a_regression_is_written_as_numbers(tmp_path) -> None:
    from PIL import Image

    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    model = net(1, task="regression")
    files = ku.predict.predict_to_files(model, tmp_path / "a.png", tmp_path / "o").written
    assert [path.name for path in files] == ["a_values.npy"]
    np.testing.assert_allclose(np.load(files[0]), predict(model, PICTURE).values, atol=1e-6)


@pytest.mark.parametrize(("activation", "ends"), [("tanh", (-1, 1)), (None, (0, 255))])
def test_pictures_in_other_ranges(activation, ends) -> None:
    output = Output(kind="picture", value_range=None if activation else ends)
    model = net(3, activation, outputs=(output,))
    values = np.asarray(model(PICTURE[None].astype("float32") / 255))[0].astype("float64")
    expected = ((values - ends[0]) / (ends[1] - ends[0])).clip(0, 1) * 255
    found = predict(model, PICTURE).picture
    assert np.abs(found - expected).max() < 0.501


def test_several_labels_at_one_pixel(tmp_path) -> None:
    from PIL import Image

    model = net(4, "sigmoid", outputs=(Output("out", class_names=("a", "b/c", "d e", "f")),))
    values = np.asarray(model(PICTURE[None].astype("float32") / 255))[0]
    found = predict(model, PICTURE, probabilities=True)
    np.testing.assert_array_equal(found.labels, values >= 0.5)
    np.testing.assert_allclose(found.probabilities, values, atol=1e-6)
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    files = ku.predict.predict_to_files(model, tmp_path / "a.png", tmp_path / "o").written
    assert [p.name for p in files] == ["a_0_a.png", "a_1_b_c.png", "a_2_d_e.png", "a_3_f.png"]
    for number, path in enumerate(files):
        with Image.open(path) as mask:
            np.testing.assert_array_equal(np.asarray(mask), values[..., number] >= 0.5)


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
def test_a_threshold_of_ones_own(kind: str) -> None:
    """In the output's own values: above 0.8 of a probability, or above 0.8 of a logit."""
    activation = "sigmoid" if kind == "probabilities" else None
    model = net(1, activation, outputs=(Output("out", kind, threshold=0.8),))
    values = np.asarray(model(PICTURE[None].astype("float32") / 255))[0, ..., 0]
    np.testing.assert_array_equal(predict(model, PICTURE).labels, values >= 0.8)
    said = load_model(model, threshold=0.3)
    probability = values if kind == "probabilities" else 1 / (1 + np.exp(-values))
    np.testing.assert_array_equal(predict(said, PICTURE).labels, probability >= 0.3)


def test_class_numbers_are_not_blended(tmp_path) -> None:
    """Two tiles that disagree give one class or the other, never the mean of two numbers."""
    model = net(5, name="logits")
    path = tmp_path / "m.onnx"
    ku.export.to_onnx(model, path, head="argmax", images=RNG.random((1, 16, 16, 3)))
    wide = RNG.integers(0, 256, (70, 90, 3), dtype="uint8")
    whole = predict(path, wide).labels
    expected = np.asarray(model(wide[None].astype("float32") / 255))[0].argmax(-1)
    np.testing.assert_array_equal(whole, expected)
    loaded = load_model(path, stride=1)
    np.testing.assert_array_equal(predict(loaded, wide, tile=32, overlap=8).labels, expected)
    shifted = predictor(lambda x: np.full((*x.shape[:2], 1), 2 + 2 * (x[0, 0, 0] > 0.5)),
                        outputs=1, kind="class_map")  # fmt: skip
    halves = np.zeros((64, 128, 3), "uint8")
    halves[:, 40:] = 255
    assert set(np.unique(predict(shifted, halves, tile=64, overlap=32).labels)) <= {2, 4}


# -- files of others


def theirs(path, shape, layout: str, outputs: int = 2, extra: bool = False):
    """A 1x1 convolution in ONNX without metadata, its channels first or last."""
    channels = shape[1] if layout == "nchw" else shape[3]
    w = RNG.normal(0, 1, (outputs, channels, 1, 1)).astype("float32")
    out = [shape[0], outputs, *shape[2:]] if layout == "nchw" else [*shape[:3], outputs]
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    if layout == "nhwc":
        nodes = [
            helper.make_node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", ["a", "w"], ["b"]),
            helper.make_node("Transpose", ["b"], ["y"], perm=[0, 2, 3, 1]),
        ]
    results = [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)]
    if extra:
        nodes.append(helper.make_node("Neg", ["y"], ["z"]))
        results.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, out))
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], results,
        [numpy_helper.from_array(w, "w")],
    )  # fmt: skip
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), str(path))
    return w[:, :, 0, 0]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        (["N", 3, "H", "W"], "nchw"),
        (["N", "H", "W", 3], "nhwc"),
        ([1, 3, 20, 24], "nchw"),
        ([1, 20, 24, 3], "nhwc"),
        (["N", 12, "H", "W"], "nchw"),
        (["N", "H", "W", 12], "nhwc"),
        ([1, 1, 20, 24], "nchw"),
    ],
)
def test_channels_first_or_last_by_the_shape(shape, layout: str, tmp_path) -> None:
    w = theirs(tmp_path / "m.onnx", shape, layout, 4)
    channels = shape[1] if layout == "nchw" else shape[3]
    image = RNG.integers(0, 256, (20, 24, channels), dtype="uint8")
    found = predict(tmp_path / "m.onnx", image).labels
    expected = (image / 255 @ w.T.astype("float64")).argmax(-1)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_shape_that_leaves_it_open_is_asked_for(tmp_path) -> None:
    w = theirs(tmp_path / "m.onnx", [1, 3, 20, 3], "nchw", 4)
    with pytest.raises(ValueError, match=r"Say it by `layout` \(--layout\): nhwc or nchw"):
        load_model(tmp_path / "m.onnx")
    loaded = load_model(tmp_path / "m.onnx", layout="nchw")
    image = RNG.integers(0, 256, (20, 3, 3), dtype="uint8")
    expected = (image / 255 @ w.T.astype("float64")).argmax(-1)
    np.testing.assert_array_equal(predict(loaded, image).labels, expected)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_output_of_several_is_chosen_by_name(tmp_path) -> None:
    w = theirs(tmp_path / "m.onnx", ["N", 3, "H", "W"], "nchw", 4, extra=True)
    with pytest.raises(ValueError, match=r"2 outputs y, z. Choose one by `output`"):
        load_model(tmp_path / "m.onnx")
    with pytest.raises(ValueError, match="Received: 'q'"):
        load_model(tmp_path / "m.onnx", output="q")
    for name, sign in (("y", 1), ("z", -1)):
        expected = (sign * (PICTURE / 255 @ w.T.astype("float64"))).argmax(-1)
        found = predict(load_model(tmp_path / "m.onnx", output=name), PICTURE).labels
        np.testing.assert_array_equal(found, expected)
    image = keras.Input((None, None, 3))
    two = keras.Model(image, [L.Conv2D(2, 1, name="a")(image), L.Conv2D(4, 1, name="b")(image)])
    assert load_model(two, output="b").outputs == 4


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["keras", "onnx", "tflite"])
def test_a_flattened_output(kind: str, tmp_path) -> None:
    image = keras.Input((20, 24, 3))
    x = L.Softmax()(L.Reshape((-1, 4))(L.Conv2D(4, 1)(image)))
    model = keras.Model(image, x, name="flat")
    expected = np.asarray(model(PICTURE[None].astype("float32") / 255))[0].argmax(-1)
    source = model
    if kind != "keras":
        source = tmp_path / f"m.{kind}"
        getattr(ku.export, f"to_{kind}")(model, source, images=PICTURE[None])
    np.testing.assert_array_equal(predict(source, PICTURE).labels, expected.reshape(20, 24))
