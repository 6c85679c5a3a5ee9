"""`Metadata` on Keras models, and through `model.save` into another process."""

import inspect
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_upsample as ku
from keras_upsample.errors import ArtefactError
from keras_upsample.metadata import Input, Metadata, Output, Scaling, attach, of, read

FACTS = Metadata(
    "two",
    task="segmentation",
    inputs=(Input("image", scaling=Scaling.to_range(-1, 1)),),
    outputs=(Output("logits", "logits", ("sky", "sea")),),
    licence="CC0-1.0",
)


@keras.saving.register_keras_serializable("metadata_tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.convolution = keras.layers.Conv2D(2, 1)

    def call(self, x):
        return self.convolution(x)


def functional():
    image = keras.Input((8, 8, 3), name="image")
    return keras.Model(image, keras.layers.Conv2D(2, 1, name="logits")(image), name="two")


def sequential():
    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 1)], name="two")


def subclassed():
    model = Subclassed(name="two")
    model(np.zeros((1, 8, 8, 3), "float32"))
    return model


@pytest.mark.parametrize("make", [functional, sequential, subclassed])
def test_a_saved_model_keeps_its_metadata(make, tmp_path):
    model = make()
    x = np.random.default_rng(0).random((2, 8, 8, 3), dtype="float32")
    before = np.asarray(model(x))
    assert attach(model, FACTS) is model
    np.testing.assert_array_equal(np.asarray(model(x)), before)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert of(loaded) == FACTS == read(tmp_path / "m.keras")
    np.testing.assert_array_equal(np.asarray(loaded(x)), before)
    loaded.save(tmp_path / "again.keras")  # and once more
    assert of(keras.models.load_model(tmp_path / "again.keras")) == FACTS


@keras.saving.register_keras_serializable("metadata_tests")
class WithAssets(Subclassed):
    """With a file of its own beside the weights."""

    def save_assets(self, directory):
        Path(directory, "notes.txt").write_text("mine")

    def load_assets(self, directory):
        self.notes = Path(directory, "notes.txt").read_text()


def test_keras_alone_loads_and_saves_a_subclassed_model(tmp_path):
    """A process that knows nothing of this package loses the metadata, and no weight."""
    model = attach(subclassed(), FACTS)
    x = np.random.default_rng(0).random((2, 8, 8, 3), dtype="float32")
    model.save(tmp_path / "m.keras")
    class_of = inspect.getsource(Subclassed)
    code = (
        "import sys, keras\n"
        f"{class_of}\n"
        "model = keras.models.load_model(sys.argv[1])\n"
        "model.save(sys.argv[2])\n"
        "assert not any(name.startswith('keras_upsample') for name in sys.modules)\n"
    )
    files = [str(tmp_path / name) for name in ("m.keras", "again.keras")]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    again = keras.models.load_model(tmp_path / "again.keras")
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(model(x)))
    assert read(tmp_path / "again.keras") is None


def test_assets_of_a_models_own_stay(tmp_path):
    model = WithAssets()
    x = np.random.default_rng(0).random((2, 8, 8, 3), dtype="float32")
    before = np.asarray(model(x))
    attach(model, FACTS).save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert loaded.notes == "mine"
    assert read(tmp_path / "m.keras") == FACTS
    np.testing.assert_array_equal(np.asarray(loaded(x)), before)


def test_damaged_metadata_among_assets(tmp_path):
    attach(subclassed(), FACTS).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as new:
        for name, content in parts.items():
            new.writestr(name, b"{" if name.startswith("assets/") else content)
    with pytest.raises(ArtefactError, match="can't be read"):
        read(tmp_path / "m.keras")


def test_a_subclassed_model_is_used_and_saved_again(tmp_path):
    from keras_upsample.predict import predict

    model = attach(subclassed(), FACTS)
    x = np.random.default_rng(0).random((2, 8, 8, 3), dtype="float32")
    expected = np.asarray(model(x))
    model.save(tmp_path / "m.keras")
    picture = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype="uint8")
    found = predict(tmp_path / "m.keras", picture)
    np.testing.assert_array_equal(found.labels, predict(model, picture).labels)
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert of(loaded) == FACTS
    loaded.save(tmp_path / "again.keras")
    again = keras.models.load_model(tmp_path / "again.keras")
    np.testing.assert_array_equal(np.asarray(again(x)), expected)
    assert of(again) == FACTS


@pytest.mark.parametrize("make", [functional, sequential])
def test_an_h5_file_keeps_it_too(make, tmp_path):
    model = attach(make(), FACTS)
    model.save(tmp_path / "m.h5")
    assert of(keras.models.load_model(tmp_path / "m.h5", compile=False)) == FACTS


def test_a_model_that_trains_on_keeps_it(tmp_path):
    model = attach(functional(), FACTS)
    model.compile("sgd", "mse")
    model.fit(np.zeros((2, 8, 8, 3)), np.zeros((2, 8, 8, 2)), verbose=0)
    model.save(tmp_path / "m.keras")
    assert of(keras.models.load_model(tmp_path / "m.keras")) == FACTS


def test_another_process_reads_it(tmp_path):
    attach(functional(), FACTS).save(tmp_path / "m.keras")
    code = (
        "import sys, keras, keras_upsample as ku\n"
        "model = keras.models.load_model(sys.argv[1])\n"
        "print(ku.metadata.of(model).to_json())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "m.keras")], capture_output=True, text=True
    )
    assert Metadata.from_json(done.stdout.strip().splitlines()[-1]) == FACTS, done.stderr


def test_a_preset_knows_what_it_is(tmp_path):
    model = ku.zoo.unet(weights="nuclei")
    assert model.preset == "unet:nuclei" and model.class_names == ["background", "nucleus"]
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    facts = of(loaded)
    assert facts == of(model) and loaded.preset == "unet:nuclei"
    assert facts.input.scaling == Scaling("percentiles") and facts.licence == "Apache-2.0"


def test_names_that_are_set_later_count(tmp_path):
    model = attach(functional(), FACTS)
    model.class_names = ["land", "water"]
    assert of(model).class_names == ("land", "water") and of(model).licence == "CC0-1.0"
    plain = functional()
    plain.class_names = ["a", "b"]
    assert of(plain).class_names == ("a", "b") and of(plain).name == "two"
    attach(plain, Metadata(task="segmentation"))
    assert of(plain).class_names == ("a", "b") and plain.class_names == ["a", "b"]


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match=r"keras\.Model"):
        attach("model", FACTS)
    with pytest.raises(TypeError, match="Metadata"):
        attach(functional(), {"task": "segmentation"})


def test_every_file_carries_it(tmp_path):
    model = attach(functional(), FACTS)
    ku.export.export(model, tmp_path, ["saved_model", "tflite", "onnx"])
    for name in ("saved_model", "two.tflite", "two.onnx"):
        found = read(tmp_path / name)
        assert (found.task, found.licence, found.class_names) == (
            "segmentation", "CC0-1.0", ("sky", "sea"),
        ), name  # fmt: skip
        assert found.input.scaling == Scaling.to_range(-1, 1)
        assert (found.input.name, found.input.size) == ("image", (8, 8))
        assert found.written_by == f"keras_upsample {ku.__version__}"


def test_files_say_their_own_layout_and_dtype(tmp_path):
    model = attach(functional(), FACTS)
    ku.export.to_onnx(model, tmp_path / "m.onnx", layout="nchw")
    assert read(tmp_path / "m.onnx").input.layout == "nchw"
    ku.export.to_tflite(model, tmp_path / "m.tflite", precision="int8", integer_io=True)
    assert read(tmp_path / "m.tflite").input.dtype == "int8"


def test_a_file_without_metadata(tmp_path):
    functional().save(tmp_path / "m.keras")
    assert read(tmp_path / "m.keras") is None
    functional().export(tmp_path / "s", verbose=False)
    assert read(tmp_path / "s") is None
    with pytest.raises(ku.errors.ArtefactError, match="does not exist"):
        read(tmp_path / "none.onnx")
    (tmp_path / "m.onnx").write_bytes(b"\x00\x01rubbish")
    with pytest.raises(ku.errors.ArtefactError, match="can't be read"):
        read(tmp_path / "m.onnx")
