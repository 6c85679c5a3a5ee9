"""What stands at a network's door, in Keras models and in files that others wrote."""

import keras
import numpy as np
import onnx
import pytest
from keras import layers as L
from onnx import TensorProto, helper, numpy_helper

import keras_upsample as ku
from keras_upsample.predict import load_model, predict

RNG = np.random.default_rng(60)
PICTURE = RNG.integers(0, 256, (20, 24, 3), dtype="uint8")
CAFFE = np.array([103.939, 116.779, 123.68], "float32")


def classes_of(door, size=(20, 24), padding="same", seed=4):
    """Four classes behind a door, which the graph alone knows."""
    image = keras.Input((*size, 3), name="image")
    x = L.Conv2D(4, 3, padding=padding, activation="softmax", name="out")(door(image))
    model = keras.Model(image, x, name="net")
    draw = np.random.default_rng(seed)
    for weight in model.get_layer("out").weights:
        weight.assign(draw.normal(0, 0.3, weight.shape))
    model(np.zeros((1, 20, 24, 3)))  # Keras' ONNX export wants it called
    return model


def by_keras(model, values):
    return np.asarray(model(values[None].astype("float32"), training=False))[0].argmax(-1)


def flipped(x):
    return x[..., ::-1] - CAFFE


def parts(x):
    red, green, blue = keras.ops.split(x, 3, axis=-1)
    return keras.ops.concatenate([blue, green, red], axis=-1) - CAFFE


DOORS = {
    "slice": flipped,
    "split": parts,
    "preprocess_input": keras.applications.resnet50.preprocess_input,
    "padded": lambda x: L.Cropping2D(2)(L.ZeroPadding2D(2)(x)) / 127.5 - 1.0,
}


FILES = [(name, kind) for name in DOORS for kind in ("onnx", "tflite", "saved_model")]
FILES.remove(("preprocess_input", "onnx"))  # which asks for the mean as an input of its own


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_files_by_keras_own_export(name: str, kind: str, tmp_path) -> None:
    """A flip of the channels, a split and a padding are seen through."""
    model = classes_of(DOORS[name])
    path = tmp_path / {"saved_model": "m"}.get(kind, f"m.{kind}")
    form = {"onnx": "onnx", "tflite": "litert", "saved_model": "tf_saved_model"}[kind]
    model.export(path, format=form, verbose=False)
    loaded = load_model(path)
    assert loaded.scaling.value_range == (0, 255) and not loaded.assumed
    assert np.mean(predict(loaded, PICTURE).labels == by_keras(model, PICTURE)) > 0.995


def shifted(x):
    return keras.ops.pad(x, [[0, 0], [1, 0], [1, 0], [0, 0]]) / 255


AUGMENTED = {
    "augmentation": lambda x: keras.Sequential(
        [L.RandomFlip("horizontal"), L.RandomContrast(0.3), L.RandomZoom(0.2), L.Rescaling(1 / 255)]
    )(x),
    "dropout": lambda x: L.Dropout(0.3)(L.Rescaling(1 / 127.5, -1)(x)),
    "padding": lambda x: L.Rescaling(1 / 255)(L.ZeroPadding2D(((1, 0), (0, 1)))(x)),
    "crop": lambda x: L.Rescaling(1 / 255)(L.Cropping2D(1)(L.ZeroPadding2D(1)(x))),
    "Lambda": lambda x: L.Lambda(shifted)(x),
}  # fmt: skip


@pytest.mark.parametrize("size", [(20, 24), (None, None)], ids=["fixed", "open"])
@pytest.mark.parametrize("name", AUGMENTED)
def test_layers_before_a_rescaling(name: str, size, tmp_path) -> None:
    """Augmentation, which does nothing here, and borders."""
    valid = name in ("padding", "Lambda")  # keeps the answer as large as the picture

    def door(x):
        return (
            L.ZeroPadding2D(((0, 1), (1, 0)))(AUGMENTED[name](x)) if valid else AUGMENTED[name](x)
        )

    model = classes_of(door, size, "valid" if valid else "same")
    loaded = load_model(model)
    assert loaded.scaling.value_range == (0, 255) and not loaded.assumed
    assert np.mean(predict(loaded, PICTURE).labels == by_keras(model, PICTURE)) > 0.995


def test_sixteen_bits_as_stored() -> None:
    model = classes_of(lambda x: L.Rescaling(1 / 65535)(x))
    wide = RNG.integers(0, 65536, (20, 24, 3), dtype="uint16")
    loaded = load_model(model)
    assert loaded.scaling.value_range == (0, 65535)
    np.testing.assert_array_equal(predict(loaded, wide).labels, by_keras(model, wide))
    narrow = (wide // 257).astype("uint8")
    expected = by_keras(model, narrow.astype("float32") * 257)
    np.testing.assert_array_equal(predict(loaded, narrow).labels, expected)


@pytest.mark.parametrize(
    ("factor", "offset", "ends"),
    [
        (1, -0.5, (0, 1)),
        (1 / 255, -0.5, (0, 255)),
        (2, -1, (0, 1)),
        (1, -0.2, None),
        (1, 0.5, None),
        (1 / 65535, 0, (0, 65535)),
        (1e-4, 0, None),
    ],
)
def test_which_pictures_arithmetic_is_for(factor: float, offset: float, ends) -> None:
    from keras_upsample.introspection._natural_range import natural_range

    assert natural_range(factor * np.eye(3), np.full(3, float(offset))) == ends


def test_the_network_is_not_taken_for_the_door(tmp_path) -> None:
    """Behind the door its values are added to what the network makes of them."""
    image = keras.Input((20, 24, 3), name="image")
    x = L.Rescaling(1 / 255)(image)
    y = L.Conv2D(3, 3, padding="same", use_bias=False)(x)
    z = L.Conv2D(4, 1, activation="softmax", name="out")(L.Add()([x, y]) * 2.0)
    model = keras.Model(image, z, name="net")
    model(np.zeros((1, 20, 24, 3)))
    # Not TFLite, whose converter puts the factor into the convolution and leaves the other.
    for kind, form in (("m", "tf_saved_model"), ("m.onnx", "onnx")):
        model.export(tmp_path / kind, format=form, verbose=False)
        loaded = load_model(tmp_path / kind)
        assert loaded.scaling.value_range == (0, 255)
        assert np.mean(predict(loaded, PICTURE).labels == by_keras(model, PICTURE)) > 0.995


def torch_like(path, nodes, dtype=TensorProto.FLOAT, result=("N", 4, "H", "W"), **constants):
    """Channels first, as PyTorch writes."""
    shape = ("N", 3, "H", "W") if result[0] == "N" else (1, 3, 20, 24)
    graph = helper.make_graph(
        [helper.make_node(kind, ins, outs, **facts) for kind, ins, outs, facts in nodes], "g",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), str(path))
    return path


def answered(path, values):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    first = np.ascontiguousarray(values.transpose(2, 0, 1))[None]
    return session.run(None, {"x": first})[0][0]


WEIGHTS = RNG.normal(0, 0.3, (4, 3, 3, 3)).astype("float32")
PADS = {"pads": [1, 1, 1, 1]}


def test_channels_first_with_a_mean_for_each(tmp_path) -> None:
    mean, deviation = (np.array(v, "float32").reshape(1, 3, 1, 1) for v in
                       ([123.7, 116.3, 103.5], [58.4, 57.1, 57.4]))  # fmt: skip
    nodes = [
        ("Gather", ["x", "order"], ["a"], {"axis": 1}),
        ("Sub", ["a", "mean"], ["b"], {}),
        ("Div", ["b", "deviation"], ["c"], {}),
        ("Conv", ["c", "w"], ["y"], PADS),
    ]
    constants = {"w": WEIGHTS, "mean": mean, "deviation": deviation, "order": np.array([2, 1, 0])}
    path = torch_like(tmp_path / "m.onnx", nodes, **constants)
    with pytest.warns(UserWarning, match="scores of classes are assumed"):
        loaded = load_model(path)
    assert loaded.scaling.value_range == (0, 255)
    expected = answered(path, PICTURE.astype("float32")).argmax(0)
    np.testing.assert_array_equal(predict(loaded, PICTURE).labels, expected)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_flattened_output_with_channels_first(tmp_path) -> None:
    """(K, H · W), as `Reshape((classes, -1))` gives it."""
    nodes = [
        ("Conv", ["x", "w"], ["a"], PADS),
        ("Reshape", ["a", "shape"], ["b"], {}),
        ("Softmax", ["b"], ["y"], {"axis": 1}),
    ]
    constants = {"w": WEIGHTS, "shape": np.array([1, 4, -1])}
    path = torch_like(tmp_path / "m.onnx", nodes, result=(1, 4, 480), **constants)
    expected = answered(path, (PICTURE / 255).astype("float32")).argmax(0).reshape(20, 24)
    np.testing.assert_array_equal(predict(load_model(path), PICTURE).labels, expected)


# -- what the user says


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["keras", "onnx", "uint8"])
def test_a_normalization_that_the_graph_contradicts(kind: str, tmp_path) -> None:
    source = classes_of(lambda x: L.MaxPooling2D(1)(L.Rescaling(1 / 255)(x)))
    if kind == "onnx":
        source.export(tmp_path / "m.onnx", format="onnx", verbose=False)
        source = tmp_path / "m.onnx"
    if kind == "uint8":
        image = keras.Input((20, 24, 3), dtype="uint8")
        x = keras.ops.cast(image, "float32") * 0.02 - 7.0
        source = keras.Model(image, L.Conv2D(4, 1, name="logits")(x))
    for wrong in ("full_range", "percentiles", "imagenet", "minus_one_to_one"):
        with pytest.raises(ValueError, match=r"made for 0 to 255: it (begins with|takes uint8)"):
            load_model(source, normalization=wrong)
    expected = predict(source, PICTURE).labels
    for right in ("none", "0_to_255"):
        found = predict(load_model(source, normalization=right), PICTURE).labels
        np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_options_that_have_no_part_are_refused() -> None:
    model = classes_of(lambda x: x)
    with pytest.raises(ValueError, match="`threshold` is for one channel of scores"):
        load_model(model, threshold=0.3)
    image = keras.Input((None, None, 3))
    enlarged = L.UpSampling2D(2, name="enlarged")(image)
    with pytest.raises(ValueError, match="`classes` are for segmentation, binary"):
        load_model(keras.Model(image, enlarged), classes=["a", "b", "c"])


def test_info_says_what_the_graph_says(tmp_path) -> None:
    from keras_upsample._cli.describe import facts_of_choice, lines_of
    from keras_upsample._cli.options import ModelChoice

    classes_of(flipped).export(tmp_path / "m.onnx", format="onnx", verbose=False)
    choice = ModelChoice(str(tmp_path / "m.onnx"))
    text = " ".join("\n".join(lines_of(facts_of_choice(choice, 64, False))).split())
    assert "0 to 255, by the graph" in text and "ends with softmax" in text


# -- integers, signatures, layouts, the order of colours


@pytest.mark.parametrize("ends", [(0, 1), (0, 255), (-1, 1)])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_integers_of_another_converter(ends, dtype: str, tmp_path) -> None:
    """A file that tells by its integers what it was shown."""
    import tensorflow as tf

    factor, offset = (ends[1] - ends[0]) / 255, ends[0]
    model = classes_of(lambda x: L.MaxPooling2D(1)(x))
    for weight in model.get_layer("out").weights[:1]:
        weight.assign(weight * 2 / (ends[1] - ends[0]))
    model.export(tmp_path / "m", verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "m"))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.as_dtype(dtype)
    shown = RNG.integers(0, 256, (10, 1, 20, 24, 3)) * factor + offset
    converter.representative_dataset = lambda: ([x.astype("float32")] for x in shown)
    (tmp_path / "m.tflite").write_bytes(converter.convert())
    loaded = load_model(tmp_path / "m.tflite")
    assert loaded.scaling.value_range == ends and not loaded.assumed
    expected = by_keras(model, PICTURE * factor + offset)
    assert np.mean(predict(loaded, PICTURE).labels == expected) > 0.93


def test_a_saved_model_without_a_default_signature(tmp_path) -> None:
    import tensorflow as tf

    module = tf.Module()
    spec = tf.TensorSpec([None, None, None, 3], tf.float32, name="image")
    module.less = tf.function(lambda image: {"logits": image - 0.5}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "one"), signatures={"a": module.less})
    found = predict(tmp_path / "one", PICTURE).labels
    np.testing.assert_array_equal(found, PICTURE.argmax(-1))
    both = {"a": module.less, "b": module.less}
    tf.saved_model.save(module, str(tmp_path / "two"), signatures=both)
    with pytest.raises(ku.errors.ArtefactError, match="several signatures, a, b, and none") as told:
        load_model(tmp_path / "two")
    assert "\n" not in str(told.value) and "--signature a" in str(told.value)


@pytest.mark.parametrize("layout", ["nchw", "hwc"])
def test_a_layout_for_a_keras_model_is_refused(layout: str) -> None:
    with pytest.raises(ValueError, match="`layout` is for"):
        load_model(classes_of(lambda x: x), layout=layout)


@pytest.mark.parametrize("kind", ["keras", "onnx"])
def test_blue_first_by_the_metadata(kind: str, tmp_path) -> None:
    """A picture's channels are red, green and blue; the model says where it wants them."""
    from PIL import Image

    from keras_upsample.metadata import Input, Metadata, Scaling, attach

    model = classes_of(lambda x: x * np.array([3.0, 0.5, 0.1], "float32"))
    names = ("blue", "green", "red")
    attach(model, Metadata(inputs=(Input("image", channels=names, scaling=Scaling()),)))
    source = model
    if kind == "onnx":
        source = tmp_path / "m.onnx"
        ku.export.to_onnx(model, source, images=PICTURE[None])
    expected = by_keras(model, PICTURE[..., ::-1] / 255)
    assert np.mean(expected == by_keras(model, PICTURE / 255)) < 0.9
    loaded = load_model(source)
    assert any("taken as blue, green, red" in line for line in loaded.taken)
    np.testing.assert_array_equal(predict(loaded, PICTURE).labels, expected)
    chosen = predict(loaded, PICTURE, channels=(0, 1, 2)).labels
    np.testing.assert_array_equal(chosen, by_keras(model, PICTURE / 255))
    opaque = np.dstack([PICTURE, np.full((20, 24), 255, "uint8")])
    Image.fromarray(opaque).save(tmp_path / "a.png")
    files = ku.predict.predict_to_files(loaded, tmp_path / "a.png", tmp_path / "o").written
    with Image.open(next(p for p in files if "classes" in p.name)) as map_:
        np.testing.assert_array_equal(np.asarray(map_), expected)
    Image.fromarray(PICTURE[..., 0]).save(tmp_path / "grey.png")
    grey = predict(loaded, tmp_path / "grey.png").labels
    np.testing.assert_array_equal(grey, by_keras(model, PICTURE[..., [0, 0, 0]] / 255))


@pytest.mark.parametrize("size", [(5, 9, 11), (None, None, None)], ids=["fixed", "open"])
def test_a_volume_behind_a_rescaling(size) -> None:
    volume = RNG.integers(0, 256, (5, 9, 11, 1), dtype="uint8")
    image = keras.Input((*size, 1))
    layer = L.Conv3D(3, 3, padding="same", activation="softmax")
    model = keras.Model(image, layer(L.Rescaling(1 / 127.5, -1)(image)))
    loaded = load_model(model)
    assert loaded.scaling.value_range == (0, 255) and not loaded.assumed
    assert np.mean(predict(loaded, volume).labels == by_keras(model, volume)) > 0.99
    bare = keras.Model(image, L.Conv3D(3, 3, padding="same", activation="softmax")(image))
    with pytest.warns(UserWarning, match="Nothing says what values"):
        load_model(bare)
