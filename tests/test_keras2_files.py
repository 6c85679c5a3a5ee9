"""Files that Keras 2 wrote: they compute what they computed there, or it is said why not.

The files of tests/vectors/keras2 and their answers are by Keras 2 (make_keras2_files.py beside it).
"""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras_configs import edited

from keras_upsample._keras2 import translate
from keras_upsample._keras2_file import version_of
from keras_upsample._keras_file import load_keras_file
from keras_upsample.errors import ArtefactError

FILES = Path(__file__).parent / "vectors" / "keras2"
NAMES = ("unet", "functions", "nested", "recurrent", "mixed")


def answers(model: Any, image: np.ndarray) -> list[np.ndarray]:
    result = model([image] if len(model.inputs) > 1 else image, training=False)
    return [np.asarray(value) for value in (result if isinstance(result, list) else [result])]


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("name", NAMES)
def test_files_of_keras_2_compute_the_same(name: str, suffix: str) -> None:
    path = FILES / f"{name}{suffix}"
    assert version_of(path).startswith("2.")
    before = path.read_bytes()
    model = load_keras_file(path)
    with np.load(FILES / f"{name}.npz") as known:
        image, *expected = (known[key] for key in known.files)
    found = answers(model, image)
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        span = np.ptp(theirs)
        assert span > 1e-3
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=2e-6 * span)
    assert path.read_bytes() == before


def test_a_model_read_from_keras_2_is_saved_by_keras_3(tmp_path) -> None:
    for name in ("functions", "recurrent"):
        model = load_keras_file(FILES / f"{name}.keras")
        model.save(tmp_path / "new.keras")
        with np.load(FILES / f"{name}.npz") as known:
            image, expected = (known[key] for key in known.files)
        again = load_keras_file(tmp_path / "new.keras")
        (found,) = answers(again, image)
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.ptp(expected))


def test_functions_on_tensors_are_exported(tmp_path) -> None:
    from keras_upsample import export, runtimes

    model = load_keras_file(FILES / "functions.h5")
    with np.load(FILES / "functions.npz") as known:
        image, expected = (known[key] for key in known.files)
    export.to_onnx(model, tmp_path / "a.onnx", images=image)
    runner = runtimes.load(tmp_path / "a.onnx")
    (found,) = runner({runner.inputs[0].name: image}).values()
    np.testing.assert_allclose(found, expected, atol=5e-5 * np.ptp(expected))


def layers_of(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {layer["config"]["name"]: layer for layer in config["config"]["layers"]}


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_groups_and_batch_input_shape(suffix: str, tmp_path) -> None:
    """As any Keras up to 2.15 writes them, whatever version the file claims."""
    image = keras.Input((9, 7, 3), name="image")
    x = keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise")(image)
    x = keras.layers.Conv2DTranspose(2, 2, strides=2, name="transposed")(x)
    model = keras.Model(image, x)
    model.save(tmp_path / f"a{suffix}")

    def older(config: dict[str, Any]) -> None:
        layers = layers_of(config)
        for name in ("depthwise", "transposed"):
            layers[name]["config"]["groups"] = 1
        first = layers["image"]["config"]
        first["batch_input_shape"] = first.pop("batch_shape")
        first.pop("optional", None)

    path = edited(tmp_path / f"a{suffix}", older)
    values = np.random.default_rng(0).random((2, 9, 7, 3)).astype("float32")
    np.testing.assert_array_equal(
        answers(load_keras_file(path), values)[0], answers(model, values)[0]
    )

    def grouped(config: dict[str, Any]) -> None:
        layers_of(config)["transposed"]["config"]["groups"] = 2

    bad = edited(tmp_path / f"a{suffix}", grouped)
    with pytest.raises(
        ArtefactError, match=r"'transposed' .* has groups=2, which Keras 3 does not"
    ):
        load_keras_file(bad)


def test_names_that_tensorflow_1_and_early_2_wrote() -> None:
    old = {
        "class_name": "Model",
        "config": {
            "name": "old",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "config": {
                        "name": "i", "batch_input_shape": [None, 4, 4, 3], "dtype": "float32",
                        "ragged": False, "sparse": False,
                    },
                    "name": "i",
                    "inbound_nodes": [],
                },
                {
                    "class_name": "BatchNormalizationV1",
                    "config": {
                        "name": "b", "axis": [3], "momentum": 0.9, "fused": True, "renorm": False,
                        "gamma_initializer": {"class_name": "Ones", "config": {"dtype": "float32"}},
                        "moving_variance_initializer": {
                            "class_name": "VarianceScaling",
                            "config": {"distribution": "normal", "dtype": "float32"},
                        },
                    },
                    "name": "b",
                    "inbound_nodes": [[["i", 0, 0, {}]]],
                },
            ],
            "input_layers": [["i", 0, 0]],
            "output_layers": [["b", 0, 0]],
        },
    }  # fmt: skip
    new = translate(old, "2.2.4-tf")
    assert new["class_name"] == "Functional"
    norm = layers_of(new)["b"]
    assert norm["class_name"] == "BatchNormalization"
    assert norm["config"] == {
        "name": "b",
        "axis": 3,
        "momentum": 0.9,
        "renorm": False,
        "gamma_initializer": {"class_name": "Ones", "config": {}},
        "moving_variance_initializer": {
            "class_name": "VarianceScaling",
            "config": {"distribution": "truncated_normal"},
        },
    }


def test_what_keras_3_wrote_stays(tmp_path) -> None:
    image = keras.Input((8, 8, 3))
    block = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1)])
    x = keras.layers.Conv2D(2, 1, activation="hard_sigmoid")(block(image))
    model = keras.Model(image, keras.ops.image.resize(x / 2, (16, 16)))
    model.save(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        config = json.loads(archive.read("config.json"))
        version = json.loads(archive.read("metadata.json"))["keras_version"]
    assert translate(config, version) == config


@pytest.mark.parametrize(
    "function", ["io.read_file", "py_function", "numpy_function", "io.write_file", "raw_ops.Print"]
)
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_functions_that_do_more_than_compute_are_refused(function, suffix, tmp_path) -> None:
    path = tmp_path / f"a{suffix}"
    shutil.copy(FILES / f"functions{suffix}", path)

    def other(config: dict[str, Any]) -> None:
        layer = next(x for x in config["config"]["layers"] if x["class_name"] == "TFOpLambda")
        layer["config"]["function"] = function

    with pytest.raises(ArtefactError, match=f"function '{function}' is not among those"):
        load_keras_file(edited(path, other), trust=True)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_what_can_not_be_read_says_by_whom_it_was_written(suffix: str, tmp_path) -> None:
    path = tmp_path / f"a{suffix}"
    shutil.copy(FILES / f"mixed{suffix}", path)

    def local(config: dict[str, Any]) -> None:
        layer = config["config"]["layers"][1]
        layer["class_name"] = "LocallyConnected2D"
        layer["module"] = "keras.layers"
        if suffix == ".h5":
            del layer["module"]

    with pytest.raises(ArtefactError) as raised:
        load_keras_file(edited(path, local))
    text = str(raised.value)
    assert "was written by Keras 2." in text and "LocallyConnected2D" in text
    assert "model.export(folder)" in text and "\n" not in text


def test_code_in_a_file_of_keras_2_is_not_run(tmp_path) -> None:
    path = tmp_path / "a.keras"
    shutil.copy(FILES / "mixed.keras", path)

    def code(config: dict[str, Any]) -> None:
        layer = config["config"]["layers"][1]
        layer["class_name"] = "Lambda"
        layer["config"] = {
            "name": layer["config"]["name"],
            "function": ["4wEAAAA=\n", None, None],
            "function_type": "lambda",
            "module": "__main__",
        }
        layer.pop("build_config", None)

    with pytest.raises(ArtefactError, match="--trust"):
        load_keras_file(edited(path, code))
