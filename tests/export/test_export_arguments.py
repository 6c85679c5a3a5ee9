"""Bad arguments: the name, what was received, what is allowed, what to do; nothing is written."""

import errno
import os

import keras
import numpy as np
import pytest
from exporting import convolution, noise, picture

from keras_upsample import export
from keras_upsample.errors import ArtefactError, ExportError
from keras_upsample.export import _artefact


@pytest.fixture(scope="module")
def net():
    return keras.Sequential([keras.Input((None, None, 3), name="image"), convolution(2)])


@pytest.fixture(scope="module")
def fixed():
    return keras.Sequential([keras.Input((8, 8, 3), name="image"), convolution(2)])


class NeverCalled(keras.Model):
    def call(self, x):
        return x


def two_inputs():
    a, b = keras.Input((8, 8, 3), name="a"), keras.Input((8, 8, 3), name="b")
    return keras.Model([a, b], keras.layers.Add()([a, b]))


def refused(function, path, error, *words):
    with pytest.raises(error) as info:
        function(path)
    for word in words:
        assert word in str(info.value), str(info.value)
    assert not list(path.parent.iterdir())


TFLITE, ONNX, SAVED = export.to_tflite, export.to_onnx, export.to_saved_model


@pytest.mark.parametrize(
    "function, options, words",
    [
        (ONNX, {"input_shape": (8, 8)}, ["`input_shape`", "(8, 8)", "must have 3 dimensions"]),
        (ONNX, {"input_shape": (1, 8, 8, 3)}, ["`input_shape`", "without the batch"]),
        (ONNX, {"input_shape": (0, 8, 3)}, ["`input_shape`", "integers >= 1", "(0, 8, 3)"]),
        (ONNX, {"input_shape": (-4, 8, 3)}, ["`input_shape`", "(-4, 8, 3)"]),
        (ONNX, {"input_shape": (8.0, 8, 3)}, ["`input_shape`", "integers", "8.0"]),
        (ONNX, {"input_shape": (True, 8, 3)}, ["`input_shape`", "integers", "True"]),
        (ONNX, {"input_shape": (8, 8, 4)}, ["`input_shape`", "'image'", "(None, None, 3)"]),
        (ONNX, {"input_shape": {"x": (8, 8, 3)}}, ["`input_shape`", "['x']", "['image']"]),
        (ONNX, {"input_shape": 256}, ["`input_shape`", "256"]),
        (ONNX, {"input_shape": "big"}, ["`input_shape`", "'big'"]),
        (ONNX, {"input_shape": {"image": 256}}, ["`input_shape`", "256"]),
        (ONNX, {"opset": 12}, ["`opset`", "13 to 18", "12"]),
        (ONNX, {"opset": 19}, ["`opset`", "19"]),
        (ONNX, {"opset": "18"}, ["`opset`", "'18'"]),
        (ONNX, {"layout": "NCHW"}, ["`layout`", "'nhwc', 'nchw'", "'NCHW'"]),
        (ONNX, {"batch_size": 0}, ["`batch_size`", ">= 1", "0"]),
        (SAVED, {"batch_size": 1.5}, ["`batch_size`", "1.5"]),
        (TFLITE, {"batch_size": True}, ["`batch_size`", "True"]),
        (TFLITE, {"precision": "int4"}, ["`precision`", "'float32', 'float16'", "'int4'"]),
        (TFLITE, {"precision": None}, ["`precision`", "None"]),
        (ONNX, {"images": noise(8)}, ["`images`", "(any, any, 3)", "(8,)"]),
        (ONNX, {"images": [noise(8)]}, ["`images`", "(8,)", "index 0"]),
        (ONNX, {"images": noise(1, 0, 8, 3)}, ["`images`", "(1, 0, 8, 3)"]),
        (ONNX, {"images": []}, ["`images` is empty"]),
        (ONNX, {"images": 3}, ["`images`", "int"]),
        (ONNX, {"images": "no/such/folder"}, ["`images`", "no/such/folder", "does not exist"]),
        (ONNX, {"images": ["none.png"]}, ["`images`", "none.png", "can't be read"]),
        (ONNX, {"images": [np.array([[["a"]]])]}, ["`images`", "index 0"]),
    ],
)  # fmt: skip
def test_options(function, options, words, net, tmp_path):
    refused(lambda path: function(net, path, **options), tmp_path / "out", ValueError, *words)


@pytest.mark.parametrize("function", [ONNX, SAVED, TFLITE])
@pytest.mark.parametrize("model", [None, keras.layers.Dense(2), np.zeros(3)])
def test_not_a_model(model, function, tmp_path):
    refused(
        lambda path: function(model, path), tmp_path / "out", TypeError,
        "`model` must be a keras.Model, or the path", type(model).__name__,
    )  # fmt: skip


@pytest.mark.parametrize("function", [ONNX, SAVED, TFLITE])
def test_a_path_to_nothing(function, tmp_path):
    refused(
        lambda path: function("model.keras", path), tmp_path / "out", ArtefactError,
        "'model.keras' does not exist",
    )  # fmt: skip


def test_never_called(tmp_path):
    for model in (NeverCalled(), keras.Sequential([convolution(2)])):
        refused(
            lambda path, model=model: ONNX(model, path), tmp_path / "out", ValueError,
            "was never called", "`input_shape`", "input_shape=(256, 256, 3)",
        )  # fmt: skip


def test_one_shape_for_two_inputs(tmp_path):
    refused(
        lambda path: ONNX(two_inputs(), path, input_shape=(8, 8, 3)), tmp_path / "out", ValueError,
        "2 inputs", "['a', 'b']", "must be a dict",
    )  # fmt: skip


def test_sizes_that_no_default_fits(tmp_path):
    model = keras.Sequential([keras.Input((None, 3), name="track"), keras.layers.Dense(2)])
    refused(
        lambda path: TFLITE(model, path), tmp_path / "out", ValueError,
        "'track'", "(1, None, 3)", "`input_shape`",
    )  # fmt: skip


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("function", [ONNX, SAVED, TFLITE])
def test_weights_that_are_not_finite(value, function, tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), convolution(2, name="bad")])
    kernel = np.array(model.layers[0].kernel)
    kernel[0, 1, 2, 1] = value
    model.layers[0].kernel.assign(kernel)
    refused(
        lambda path: function(model, path, images=picture()), tmp_path / "out", ValueError,
        "bad/kernel", "NaN or infinity", "checkpoint",
    )  # fmt: skip


def test_an_answer_that_is_not_finite(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x / 0.0)])
    refused(
        lambda path: ONNX(model, path, images=picture()), tmp_path / "out", ValueError,
        "output", "NaN or infinity on image 0",
    )  # fmt: skip


@pytest.mark.parametrize("function", [ONNX, SAVED, TFLITE])
def test_a_path_below_a_file(function, fixed, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"can't be made: .*Choose a folder"):
        function(fixed, tmp_path / "file" / "out", images=picture())
    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("function", [ONNX, SAVED, TFLITE])
def test_a_path_that_nobody_can_write(function, fixed):
    with pytest.raises(OSError, match=r"`path`|The folder"):
        function(fixed, "/proc/keras_upsample/out", images=picture())


@pytest.mark.parametrize("function", [ONNX, TFLITE])
def test_a_folder_in_the_place_of_a_file(function, fixed, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match=r"`path` .* is a folder; it must be the file"):
        function(fixed, tmp_path / "out", images=picture())
    assert not list((tmp_path / "out").iterdir())


def test_a_file_in_the_place_of_a_folder(fixed, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ValueError, match=r"is a file; a SavedModel is a folder"):
        SAVED(fixed, tmp_path / "out", images=picture())
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_of_other_things_is_not_replaced(fixed, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match=r"holds other things than a SavedModel"):
        SAVED(fixed, tmp_path / "out", images=picture())
    assert (tmp_path / "out" / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize("path", ["", "."])
def test_no_name_in_the_path(path, fixed):
    with pytest.raises(ValueError, match=r"`path`"):
        ONNX(fixed, path, images=picture())


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"targets": "onnx"}, TypeError, ["`targets` must be a list", "'onnx'"]),
        ({"targets": []}, ValueError, ["`targets` is empty"]),
        ({"targets": ["onxx"]}, ValueError, ["`targets`", "'onxx'", "Did you mean 'onnx'?"]),
        ({"targets": ["onnx", 3]}, ValueError, ["`targets`", "Received: 3"]),
        ({"targets": None}, TypeError, ["`targets`", "None"]),
    ],
)
def test_targets(options, error, words, fixed, tmp_path):
    refused(lambda p: export.export(fixed, p, **options), tmp_path / "out", error, *words)


def test_export_into_a_file(fixed, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ValueError, match=r"`directory` .* is a file"):
        export.export(fixed, tmp_path / "out", images=picture())


def test_a_picture_that_is_none(fixed, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    with pytest.raises(ValueError, match=r"`images`.*no picture"):
        ONNX(fixed, tmp_path / "m.onnx", images=folder)
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    with pytest.raises(ValueError, match=r"`images`: .*a\.png.* can't be read as a picture"):
        ONNX(fixed, tmp_path / "m.onnx", images=folder)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_pictures_from_a_folder_are_what_is_verified(fixed, tmp_path):
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("b.png", "a.jpg"):
        Image.fromarray((noise(9, 7, 3) * 255).astype("uint8")).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    report = ONNX(fixed, tmp_path / "m.onnx", images=folder)
    cases = [d.case for d in report.verifications[0].differences]
    assert cases == ["a.jpg", "b.png", "noise", "batch of 2"]


def test_a_model_that_fails_says_so_in_one_line(tmp_path):
    class Broken(keras.layers.Layer):
        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape)

        def call(self, x):
            raise RuntimeError("first line\nsecond line")

    x = keras.Input((8, 8, 3))
    model = keras.Model(x, Broken(name="culprit")(x))
    with pytest.raises(ExportError, match=r"can't be traced") as info:
        ONNX(model, tmp_path / "m.onnx", images=picture())
    assert "first line" in str(info.value)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("write, name", [(ONNX, "m.onnx"), (TFLITE, "m.tflite")])
def test_a_disk_that_does_not_take_the_file_is_no_fault_of_the_model(
    write, name, fixed, tmp_path, monkeypatch
):
    def convert(*arguments):
        raise OSError(errno.EIO, os.strerror(errno.EIO))  # as of a write, which knows no name

    monkeypatch.setattr(_artefact, "convert", convert)
    with pytest.raises(OSError) as info:
        write(fixed, tmp_path / name, images=picture())
    assert (info.value.errno, info.value.filename) == (errno.EIO, str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_other_backends_are_told_at_the_door(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match=r"TensorFlow backend. Received: 'jax'"):
        export.to_onnx(keras.Sequential([keras.Input((4,))]), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
