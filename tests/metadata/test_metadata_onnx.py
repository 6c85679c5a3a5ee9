"""What ONNX files say: the fields of the format, and the keys that Deepness (QGIS) reads."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from keras_upsample.export import to_onnx
from keras_upsample.metadata import IMAGENET, Input, Metadata, Output, Scaling, attach, of, read

SIDE = 24


class Plugin:
    """Deepness as its documentation describes it, and as its `ModelBase` and
    `MapProcessorSegmentation` parse and use the keys: pixels 0..255 of a square tile, divided by
    255, standardised, channels first; scores below the threshold are 0, then the largest wins."""

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(str(path))
        (self.given,) = self.session.get_inputs()
        _, channels, height, width = self.given.shape
        assert height == width and self.given.type == "tensor(float)"
        keys = self.session.get_modelmeta().custom_metadata_map
        self.keys = keys
        self.kind = json.loads(keys["model_type"]) if "model_type" in keys else None
        self.mean = np.array(json.loads(keys.get("standardization_mean", "0")), "float32")
        self.std = np.array(json.loads(keys.get("standardization_std", "1")), "float32")
        if "standardization_mean" in keys:
            assert self.mean.shape == self.std.shape == (channels,)
        self.threshold = float(json.loads(keys.get("seg_thresh", "0.5")))
        if "tile_size" in keys:
            assert int(json.loads(keys["tile_size"])) == width

    def names(self):
        plain = json.loads(self.keys["class_names"])
        if isinstance(plain, dict):
            plain = [plain]
        listed = [sorted(names.items(), key=lambda item: int(item[0])) for names in plain]
        for names in listed:
            assert [int(key) for key, _ in names] == list(range(len(names)))
        return [[value for _, value in names] for names in listed]

    def run(self, tiles):
        values = np.float32(tiles * 1.0 / 255.0)
        values = ((values - self.mean) / self.std).transpose(0, 3, 1, 2)
        return self.session.run(None, {self.given.name: values.astype("float32")})

    def labels(self, tiles):
        results = []
        for scores in self.run(tiles):
            scores[scores < self.threshold] = 0
            one = scores.shape[1] == 1
            results.append((scores[:, 0] != 0).astype(int) if one else scores.argmax(1))
        return results


def network(classes=3, activation=None, channels=3, side=SIDE):
    image = keras.Input((side, side, channels), name="image")
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(image)
    y = keras.layers.Conv2D(classes, 1, activation=activation, name="scores")(x)
    model = keras.Model(image, y, name="net")
    rng = np.random.default_rng(4)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.6, weight.shape))
    return model


def described(model, kind, scaling=None, task="segmentation", **output):
    inputs = (Input("image", scaling=scaling or Scaling()),)
    outputs = (Output("scores", kind, **output),)
    return attach(model, Metadata("net", task=task, inputs=inputs, outputs=outputs))


def tiles(count=2, channels=3, side=SIDE):
    rng = np.random.default_rng(9)
    return rng.integers(0, 256, (count, side, side, channels), dtype="uint8")


def scaled(pixels, scaling):
    return pixels / 255.0 * np.array(scaling.scale) + np.array(scaling.offset)


def pairs(path):
    return {item.key: item.value for item in onnx.load(path).metadata_props}


@pytest.mark.parametrize(
    "scaling",
    [Scaling(), Scaling.to_range(-1, 1), IMAGENET, Scaling(scale=(-2,), offset=(1, 0, 3))],
)
def test_deepness_gets_the_models_labels(tmp_path, scaling):
    model = described(network(3, "softmax"), "probabilities", scaling, class_names=("a", "b", "ü"))
    to_onnx(model, tmp_path / "m.onnx", layout="nchw")
    plugin = Plugin(tmp_path / "m.onnx")
    assert plugin.kind == "Segmentor" and plugin.names() == [["a", "b", "ü"]]
    wanted = np.asarray(model(scaled(tiles(), scaling).astype("float32"))).argmax(-1)
    assert len(np.unique(wanted)) > 1
    (labels,) = plugin.labels(tiles())
    np.testing.assert_array_equal(labels, wanted)


@pytest.mark.parametrize("threshold", [None, 0.7])
def test_deepness_gets_the_threshold_of_one_channel(tmp_path, threshold):
    model = network(1, "sigmoid")
    facts = {"task": "binary_segmentation", "class_names": ("rest", "cell")}
    described(model, "probabilities", threshold=threshold, **facts)
    to_onnx(model, tmp_path / "m.onnx", layout="nchw")
    plugin = Plugin(tmp_path / "m.onnx")
    (labels,) = plugin.labels(tiles())
    wanted = np.asarray(model(scaled(tiles(), Scaling()).astype("float32")))[..., 0]
    wanted = wanted >= (threshold or 0.5)
    assert 0 < wanted.mean() < 1
    np.testing.assert_array_equal(labels, wanted)
    assert plugin.names() == [["rest", "cell"]]


def test_deepness_knows_heights_and_enlarged_pictures(tmp_path):
    height = described(network(1), "regression", task="regression", unit="m")
    to_onnx(height, tmp_path / "h.onnx", layout="nchw")
    plugin = Plugin(tmp_path / "h.onnx")
    assert plugin.kind == "Regressor" and json.loads(plugin.keys["reg_output_scaling"]) == 1
    (result,) = plugin.run(tiles())
    wanted = np.asarray(height(tiles().astype("float32") / 255))
    np.testing.assert_allclose(result[:, 0], wanted[..., 0], atol=1e-5)
    image = keras.Input((8, 8, 3), name="image")
    larger = keras.Model(image, keras.layers.UpSampling2D(2, name="scores")(image), name="net")
    described(larger, "picture", task="super_resolution")
    to_onnx(larger, tmp_path / "s.onnx", layout="nchw")
    assert Plugin(tmp_path / "s.onnx").kind == "Superresolution"


UNTRUE = {
    "channels last": {"layout": "nhwc"},
    "open size": {"side": None},
    "logits": {"kind": "logits", "activation": None},
    "percentiles": {"scaling": Scaling("percentiles")},
    "as stored": {"scaling": Scaling("stored")},
    "several labels a pixel": {"task": "multi_label_segmentation", "activation": "sigmoid"},
    "unknown task": {"task": ""},
}


@pytest.mark.parametrize("reason", UNTRUE)
def test_what_deepness_would_misread_is_not_claimed(tmp_path, reason):
    facts = {"kind": "probabilities", "activation": "softmax", "side": SIDE, "scaling": None}
    facts |= {"task": "segmentation", "layout": "nchw", **UNTRUE[reason]}
    model = network(3, facts["activation"], side=facts["side"])
    described(model, facts["kind"], facts["scaling"], facts["task"], class_names=("a", "b", "c"))
    to_onnx(model, tmp_path / "m.onnx", layout=facts["layout"])
    found = pairs(tmp_path / "m.onnx")
    keys = {"model_type", "tile_size", "seg_thresh", "standardization_mean", "standardization_std"}
    assert not keys & set(found)
    assert json.loads(found["class_names"]) == {"0": "a", "1": "b", "2": "c"}


@pytest.mark.parametrize("partly", [False, True])
def test_several_outputs_have_a_dict_each(tmp_path, partly):
    image = keras.Input((8, 8, 3), name="image")
    outputs = {
        "zoo": keras.layers.Conv2D(2, 1)(image),
        "area": keras.layers.Conv2D(3, 1)(image),
    }
    named = [Output("area", "logits", ("a", "b", "c"))]
    if not partly:
        named.append(Output("zoo", "logits", ("ape", "bär")))
    model = attach(keras.Model(image, outputs, name="two"), Metadata("two", outputs=tuple(named)))
    to_onnx(model, tmp_path / "m.onnx", layout="nchw")
    order = [output.name for output in onnx.load(tmp_path / "m.onnx").graph.output]
    other = ["channel_0", "channel_1"] if partly else ["ape", "bär"]
    wanted = {"area": ["a", "b", "c"], "zoo": other}
    assert Plugin(tmp_path / "m.onnx").names() == [wanted[name] for name in order]


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_fields_of_the_format(tmp_path, precision):
    model = described(network(3, "softmax"), "probabilities", class_names=("a", "b", "ü"))
    facts = of(model)
    from dataclasses import replace

    facts = replace(facts, version="3.1.4", author="Å. Nyström", licence="CC0-1.0")
    path = tmp_path / "m.onnx"
    to_onnx(model, path, precision=precision, metadata=facts, layout="nchw")
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    assert (proto.model_version, proto.domain) == (3, "keras_upsample")
    for word in ("3.1.4", "segmentation", "CC0-1.0", "a, b, ü", "Å. Nyström"):
        assert word in proto.doc_string
    found = pairs(path)
    assert (found["version"], found["layout"], found["author"]) == ("3.1.4", "nchw", "Å. Nyström")
    assert read(path).class_names == ("a", "b", "ü") and read(path).version == "3.1.4"
    assert Plugin(path).kind == "Segmentor"


def test_names_of_others_are_read(tmp_path):
    path = tmp_path / "m.onnx"
    to_onnx(network(), path)
    proto = onnx.load(path)
    for text, wanted in {
        '[{"0": "a", "1": "b"}, {"0": "x"}]': [("a", "b"), ("x",)],
        '{"1": "b", "0": "a", "10": "k"}': [("a", "b", "k")],
        '["a", "b"]': [("a", "b")],
        "a\nb": [("a", "b")],
    }.items():
        onnx.helper.set_model_props(proto, {"class_names": text})
        onnx.save(proto, path)
        assert [output.class_names for output in read(path).outputs] == wanted


def test_the_page_on_qgis_runs(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "qgis.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.S | re.M)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(code, "docs/qgis.md", "exec"), names)
    plugin = Plugin(tmp_path / "land.onnx")
    assert plugin.kind == "Segmentor" and plugin.names() == [["field", "wood", "water"]]
    x = tiles(1, side=512)
    (labels,) = plugin.labels(x)
    scores = np.asarray(names["model"](scaled(x, IMAGENET).astype("float32")))
    assert np.mean(labels == scores.argmax(-1)) > 0.9999
