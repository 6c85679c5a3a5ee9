"""Layers models of TensorFlow.js, written by hand as its converter writes those of Keras 2."""

import json

import keras
import numpy as np
import pytest
import reference

from keras_upsample import interchange
from keras_upsample.errors import ArtefactError

RNG = np.random.default_rng(5)
NO_WEIGHTS = {"trainable": True, "dtype": "float32"}


def layer(kind, name, inputs, **config):
    nodes = [[[each, 0, 0, {}] for each in inputs]] if inputs else []
    config = {**config, "name": name, **(NO_WEIGHTS if inputs else {})}
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}


def conv(name, source, filters, **config):
    return layer(
        "Conv2D",
        name,
        [source],
        filters=filters,
        kernel_size=[3, 3],
        strides=[1, 1],
        padding="same",
        data_format="channels_last",
        dilation_rate=[1, 1],
        groups=1,
        activation="linear",
        use_bias=True,
        **config,
    )


LAYERS = [
    layer("InputLayer", "image", [], batch_input_shape=[None, None, None, 3], dtype="float32"),
    conv("one", "image", 4),
    layer("Activation", "one_relu", ["one"], activation="relu"),
    layer(
        "DepthwiseConv2D", "deep", ["one_relu"], kernel_size=[3, 3], padding="same",
        depth_multiplier=1, use_bias=False, activation="linear", strides=[1, 1],
    ),
    layer("BatchNormalization", "norm", ["deep"], axis=[3], epsilon=0.001, momentum=0.99),
    layer("Concatenate", "both", ["one_relu", "norm"], axis=3),
    layer("UpSampling2D", "up", ["both"], size=[2, 2], interpolation="nearest"),
    conv("two", "up", 2),
]  # fmt: skip
WEIGHTS = {
    "one/kernel": (3, 3, 3, 4),
    "one/bias": (4,),
    "deep/depthwise_kernel": (3, 3, 4, 1),
    "norm/gamma": (4,),
    "norm/beta": (4,),
    "norm/moving_mean": (4,),
    "norm/moving_variance": (4,),
    "two/kernel": (3, 3, 8, 2),
    "two/bias": (2,),
}


@pytest.fixture
def arrays():
    found = {name: RNG.uniform(-1, 1, shape).astype("float32") for name, shape in WEIGHTS.items()}
    found["norm/moving_variance"] = np.abs(found["norm/moving_variance"]) + 0.5
    return found


def written(folder, arrays, layers=LAYERS, cuts=1, change=lambda plain: None):
    """model.json beside its shards, of which there are `cuts`."""
    entries = [
        {"name": name, "shape": [*array.shape], "dtype": str(array.dtype)}
        for name, array in arrays.items()
    ]
    content = b"".join(array.tobytes() for array in arrays.values())
    paths = [f"group1-shard{i + 1}of{cuts}.bin" for i in range(cuts)]
    config = {
        "name": "net", "layers": layers,
        "input_layers": [["image", 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]],
    }  # fmt: skip
    plain = {
        "format": "layers-model",
        "modelTopology": {
            "keras_version": "2.10.0",
            "backend": "tensorflow",
            "model_config": {"class_name": "Functional", "config": config},
        },
        "weightsManifest": [{"paths": paths, "weights": entries}],
    }
    change(plain)
    size = -(-len(content) // cuts)
    for i, path in enumerate(paths):
        (folder / path).write_bytes(content[i * size : (i + 1) * size])
    (folder / "model.json").write_text(json.dumps(plain))
    return folder / "model.json"


def expected(x, w):
    one = np.maximum(reference.conv_same(x, w["one/kernel"], w["one/bias"]), 0)
    padded = np.pad(one, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows, columns = x.shape[1:3]
    deep = sum(
        padded[:, i : i + rows, j : j + columns] * w["deep/depthwise_kernel"][i, j, :, 0]
        for i in range(3)
        for j in range(3)
    )
    scale = w["norm/gamma"] / np.sqrt(w["norm/moving_variance"] + 0.001)
    norm = (deep - w["norm/moving_mean"]) * scale + w["norm/beta"]
    both = np.concatenate([one, norm], -1).repeat(2, 1).repeat(2, 2)
    return reference.conv_same(both, w["two/kernel"], w["two/bias"])


@pytest.mark.parametrize("cuts", [1, 3])
def test_values(cuts, arrays, tmp_path):
    model = interchange.from_tfjs(written(tmp_path, arrays, cuts=cuts), name="other")
    assert (model.name, model.input_shape) == ("other", (None, None, None, 3))
    x = RNG.uniform(0, 1, (2, 5, 7, 3))
    np.testing.assert_allclose(model(x), expected(x, arrays), atol=1e-5)
    assert len(model.trainable_weights) == 7


def test_weights_of_8_and_16_bits(arrays, tmp_path):
    """As TF.js loads them: scale n + min, and half precision."""
    stored = dict(arrays)
    stored["one/kernel"] = RNG.integers(0, 255, WEIGHTS["one/kernel"]).astype("uint8")
    stored["two/kernel"] = arrays["two/kernel"].astype("float16")
    facts = {
        "one/kernel": {"dtype": "uint8", "scale": 0.01, "min": -1.2},
        "two/kernel": {"dtype": "float16", "original_dtype": "float32"},
    }

    def change(plain):
        for entry in plain["weightsManifest"][0]["weights"]:
            if entry["name"] in facts:
                entry |= {"dtype": "float32", "quantization": facts[entry["name"]]}

    model = interchange.from_tfjs(written(tmp_path, stored, change=change))
    real = {name: array.astype("float64") for name, array in stored.items()}
    real["one/kernel"] = real["one/kernel"] * 0.01 - 1.2
    x = RNG.uniform(0, 1, (1, 4, 4, 3))
    np.testing.assert_allclose(model(x), expected(x, real), rtol=1e-5, atol=1e-4)


def test_a_layer_of_ones_own(arrays, tmp_path):
    class Fifth(keras.layers.Layer):
        def call(self, x):
            return x / 5

    layers = [*LAYERS, layer("MultiplyBeta", "fifth", ["two"])]
    path = written(tmp_path, arrays, layers)
    with pytest.raises(ArtefactError, match="the layer 'MultiplyBeta' is not known"):
        interchange.from_tfjs(path)
    model = interchange.from_tfjs(path, custom_objects={"MultiplyBeta": Fifth})
    x = RNG.uniform(0, 1, (1, 4, 4, 3))
    np.testing.assert_allclose(model(x), expected(x, arrays) / 5, atol=1e-5)


def _lambda():
    code = ["4wEAAAAAAAAA", None, None]
    return layer("Lambda", "run", ["two"], function=code, function_type="lambda", arguments={})


def test_what_is_refused(arrays, tmp_path):
    fewer = {name: array for name, array in arrays.items() if name != "one/bias"}
    more = {**arrays, "three/kernel": np.zeros(3, "float32")}
    turned = {**arrays, "one/bias": np.zeros((4, 1), "float32")}

    def graph(plain):
        plain["format"] = "graph-model"

    def outside(plain):
        plain["weightsManifest"][0]["paths"][0] = "../secret.bin"

    def longer(plain):
        plain["weightsManifest"][0]["weights"][-1]["shape"] = [1 << 40]

    def twice(plain):
        plain["weightsManifest"][0]["weights"][1]["name"] = "one/kernel"

    for given, options, message in (
        (fewer, {}, "has no weights for 'one/bias'"),
        (more, {}, "has weights that no layer takes: three/kernel"),
        (turned, {}, "'one/bias' has the shape (4, 1); its layer asks for (4,)"),
        (arrays, {"change": graph}, "is a graph-model; layers models are read"),
        (arrays, {"change": longer}, "'two/bias' would end at byte"),
        (arrays, {"change": outside}, "does not lie beside model.json"),
        (arrays, {"change": twice}, "two are called 'one/kernel'"),
        (arrays, {"change": lambda plain: plain.pop("modelTopology")}, "is no model.json"),
        (arrays, {"layers": [*LAYERS, _lambda()]}, "a Lambda layer, which is Python code"),
    ):
        with pytest.raises(ArtefactError) as error:
            interchange.from_tfjs(written(tmp_path, given, **options))
        assert message in str(error.value)
    path = written(tmp_path, arrays, [*LAYERS, _lambda()])
    with pytest.raises(ArtefactError, match="a Lambda layer, which is Python code"):
        interchange.from_file(path, trust=True)
    with pytest.raises(ArtefactError, match="does not exist"):
        interchange.from_tfjs(tmp_path / "none.json")


def test_damaged_files_end_in_an_error_of_ours(arrays, tmp_path):
    path = written(tmp_path, arrays)
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(40):
        content = bytearray(whole)
        place = int(rng.integers(len(content) - 30))
        if rng.integers(2):
            content[place] = int(rng.integers(32, 127))
        else:
            del content[place : place + int(rng.integers(1, 30))]
        path.write_bytes(content)
        try:
            assert isinstance(interchange.from_tfjs(path), keras.Model)
        except ArtefactError as error:
            assert str(path) in str(error)
