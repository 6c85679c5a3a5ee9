"""Presets: what ships, what may be asked of them, and how files fail."""

import inspect
import json
import pickle

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_upsample import zoo
from keras_upsample.zoo import PRESETS, _pretrained
from keras_upsample.zoo._presets import Preset, preset_named, presets_of
from keras_upsample.zoo._weight_file import read_weights, write_weights
from keras_upsample.zoo._weight_source import SHIPPED

WITHOUT_NETWORK = [name for name, preset in PRESETS.items() if preset.backbone is None]


def test_shipped_weights_stay_small():
    sizes = {path.name: path.stat().st_size for path in SHIPPED.glob("*.safetensors")}
    assert set(sizes) == {f"{p.folder}.safetensors" for p in PRESETS.values() if p.url is None}
    assert sum(sizes.values()) < 8_000_000


@pytest.mark.parametrize("name", PRESETS)
def test_shipped_weights_are_finite_half_floats(name):
    for path, array in load_file(SHIPPED / f"{PRESETS[name].folder}.safetensors").items():
        assert array.dtype == np.float16, path
        assert np.isfinite(array).all(), path


@pytest.mark.parametrize("name", WITHOUT_NETWORK)
def test_presets_load(name):
    preset = PRESETS[name]
    model = getattr(zoo, preset.model)(weights=preset.weights)
    assert model.preprocessing == preset.preprocessing
    assert model.class_names == (list(preset.classes) or None)
    arrays = read_weights(SHIPPED / f"{preset.folder}.safetensors")
    assert {v.path for v in model.variables} == set(arrays)
    for variable in model.variables:
        np.testing.assert_array_equal(np.asarray(variable), arrays[variable.path])


def test_a_preset_may_be_given_a_size_and_what_training_did_not_decide():
    model = zoo.unet((32, 48, 1), weights="nuclei", activation="softmax", name="mine")
    assert model.input_shape == (None, 32, 48, 1)
    assert model.name == "mine"
    x = np.random.default_rng(0).random((1, 32, 48, 1), "float32")
    open_ = zoo.unet(weights="nuclei", classes=2)
    logits = np.asarray(open_(x))
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(np.asarray(model(x)), expected, atol=1e-5)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"weights": "cell"}, r"`weights` must be one of 'cells', 'nuclei' or None.*mean 'cells'"),
        ({"weights": "cells", "classes": 5}, r"`classes`: .* trained with classes=3\. Received: 5"),
        ({"weights": "cells", "filters": (8, 16)}, r"`filters`: .*\(16, 32, 64, 96, 128\)"),
        ({"weights": "cells", "upsample": "nearest"}, r"`upsample`: .*default, 'transposed_conv'"),
        (
            {"weights": "cells", "input_shape": (64, 64, 3)},
            r"takes images of 2 channels.*height, width, 2",
        ),
        ({"weights": "nuclei", "encoder": "vgg16"}, r"`encoder`: .*weights=None"),
    ],
)
def test_arguments_that_contradict_a_preset(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.unet(**arguments)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_arguments_of_their_builder(name):
    preset = PRESETS[name]
    parameters = inspect.signature(getattr(zoo, preset.model)).parameters
    assert set(preset.arguments) <= set(parameters)
    assert presets_of(preset.model)[preset.weights] is preset


def test_unknown_preset():
    with pytest.raises(ValueError, match=r"no preset 'unet:cell'.*Did you mean 'unet:cells'"):
        preset_named("unet:cell")


def test_weights_file_round_trip_in_half_precision(tmp_path):
    arrays = {"a/kernel": np.linspace(-3, 3, 999, dtype="float32"), "b": np.float32([1e-3])}
    write_weights(arrays, tmp_path / "w.safetensors")
    back = read_weights(tmp_path / "w.safetensors")
    assert set(back) == set(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == np.float32
        np.testing.assert_allclose(back[name], array, rtol=2**-11, atol=2**-25)
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("value", [1e5, np.nan])
def test_weights_that_half_precision_cannot_hold(value, tmp_path):
    with pytest.raises(ValueError, match="'a' holds values that float16 can't"):
        write_weights({"a": np.float32([value])}, tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())


class Planted:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_loading_never_unpickles(tmp_path):
    trap = tmp_path / "trap"
    objects = np.empty(1, object)
    objects[0] = Planted(trap)
    with (tmp_path / "w.safetensors").open("wb") as file:
        np.savez(file, a=objects)
    with pytest.raises(ValueError, match=r"weights file 'w\.safetensors' can't be read"):
        read_weights(tmp_path / "w.safetensors")
    (tmp_path / "plain.safetensors").write_bytes(pickle.dumps(Planted(trap)))
    with pytest.raises(ValueError, match=r"'plain\.safetensors' can't be read"):
        read_weights(tmp_path / "plain.safetensors")
    assert not trap.exists()


@pytest.mark.parametrize("size", [0, 10, 1000])
def test_truncated_weights(size, tmp_path):
    write_weights({"a": np.random.default_rng(0).random(999)}, tmp_path / "w.safetensors")
    whole = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(whole[:size])
    with pytest.raises(ValueError, match=r"'w\.safetensors' can't be read"):
        read_weights(tmp_path / "w.safetensors")


def with_header(header, data=bytes(16)):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "content",
    [
        (1 << 60).to_bytes(8, "little") + b"{}",
        with_header({"a": {"dtype": "F16", "shape": [10**9], "data_offsets": [0, 2 * 10**9]}}),
        with_header({"a": {"dtype": "F16", "shape": [10**9], "data_offsets": [0, 16]}}),
        with_header({"a": {"dtype": "F16", "shape": [8], "data_offsets": [8, 24]}}),
        with_header({"a": {"dtype": "PICKLE", "shape": [8], "data_offsets": [0, 16]}}),
        with_header([]),
    ],
    ids=["header beyond the file", "data beyond it", "more elements", "a gap", "a kind", "a list"],
)
def test_weights_that_claim_what_is_not_there(content, tmp_path):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"'w\.safetensors' can't be read"):
        read_weights(tmp_path / "w.safetensors")


TINY = Preset("unet", "tiny", {"filters": (2, 3), "classes": 2}, "", "")


@pytest.mark.parametrize("wrong", ["missing", "more", "shape"])
def test_weights_of_another_network_change_nothing(wrong):
    model = _pretrained.build_untrained(TINY, TINY.arguments)
    before = [np.array(v) for v in model.variables]
    arrays = {name: array + 1 for name, array in _pretrained.shipped_weights(model, TINY).items()}
    if wrong == "missing":
        del arrays["head_conv/kernel"]
    elif wrong == "more":
        arrays["other/kernel"] = np.zeros(3)
    else:
        arrays["head_conv/kernel"] = np.zeros((1, 1, 2, 5))
    with pytest.raises(ValueError, match=r"first that differs is '(head_conv|other)/kernel'"):
        _pretrained.load_arrays(model, TINY, arrays)
    for variable, array in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), array)


def test_a_preset_survives_saving(tmp_path):
    model = zoo.unet(weights="nuclei")
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(1).random((1, 17, 20, 1), "float32")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(model(x)))
