"""TFLite files made by `resizable=True`: whoever runs them chooses height and width."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from compare import assert_close
from exporting import convolution, distinctive, noise, picture, write
from keras import layers

from keras_upsample import export, predict, runtimes, zoo
from keras_upsample.errors import ExportError
from keras_upsample.layers import BilinearUpSampling2D, PadToMultiple2D, TransposedConv2D
from keras_upsample.metadata import Metadata, Scaling, read
from keras_upsample.program import _input_shape

UPSAMPLERS: dict[str, Callable[[], Any]] = {
    "bilinear": lambda: layers.UpSampling2D(2, interpolation="bilinear"),
    "ours": lambda: BilinearUpSampling2D(2),
    "align_corners": lambda: BilinearUpSampling2D(2, coordinates="align_corners"),
    "nearest": lambda: layers.UpSampling2D(2),
    "bicubic": lambda: layers.UpSampling2D(2, interpolation="bicubic"),
    "lanczos3": lambda: layers.UpSampling2D(2, interpolation="lanczos3"),
    "transposed": lambda: layers.Conv2DTranspose(6, 3, 2, "same"),
    "ours transposed": lambda: TransposedConv2D(6, scale=2),
}
SIZES = [(34, 50), (48, 30), (32, 32)]  # enlarged maps of 17 x 25 and 24 x 15 pixels: odd ones


def net(upsampler: Callable[[], Any], *, odd: bool = False) -> keras.Model:
    """One level of a U-Net; `odd` pads, so that any size is taken."""
    image = keras.Input((None, None, 3), name="image")
    x = PadToMultiple2D(2)(image) if odd else image
    skip = convolution(6, activation="relu")(x)
    x = upsampler()(layers.MaxPooling2D()(skip))
    x = convolution(2, name="out")(layers.Concatenate()([x, skip]))
    return distinctive(keras.Model(image, x))


def answer(path: Path, *feeds: np.ndarray, resize: bool = True) -> np.ndarray:
    """By LiteRT alone, the inputs in the file's order."""
    interpreter = Interpreter(str(path))
    details = interpreter.get_input_details()
    for detail, x in zip(details, feeds, strict=True):
        if resize:
            interpreter.resize_tensor_input(detail["index"], x.shape)
    interpreter.allocate_tensors()
    for detail, x in zip(details, feeds, strict=True):
        interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def decibels(actual: np.ndarray, expected: np.ndarray) -> float:
    return float(10 * np.log10(expected.var() / np.mean((actual - expected) ** 2)))


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("upsampler", UPSAMPLERS)
def test_other_sizes(upsampler: str, lower: bool, tmp_path: Path) -> None:
    model = net(UPSAMPLERS[upsampler])
    path = write(model, tmp_path, "tflite", input_shape=(32, 40, 3), resizable=True, lower=lower)
    for size in SIZES:
        x = noise(1, *size, 3)
        assert_close(answer(path, x), np.asarray(model(x)), of_range=5e-6)


def test_the_size_before_a_resize(tmp_path: Path) -> None:
    model, x = net(UPSAMPLERS["bilinear"]), noise(1, 32, 40, 3)
    path = write(model, tmp_path, "tflite", input_shape=(32, 40, 3), resizable=True)
    interpreter = Interpreter(str(path))
    for details, channels in (
        (interpreter.get_input_details(), 3),
        (interpreter.get_output_details(), 2),
    ):
        assert details[0]["shape"].tolist() == [1, 32, 40, channels]
        assert details[0]["shape_signature"].tolist() == [1, -1, -1, channels]
    assert_close(answer(path, x, resize=False), np.asarray(model(x)), of_range=5e-6)


def test_the_default_size_without_an_input_shape(tmp_path: Path) -> None:
    size = _input_shape.DEFAULT_SIZE  # smaller in tests
    path = write(net(UPSAMPLERS["bilinear"]), tmp_path, "tflite", resizable=True)
    (detail,) = Interpreter(str(path)).get_input_details()
    assert detail["shape"].tolist() == [1, size, size, 3]


def test_verified_at_other_sizes(tmp_path: Path) -> None:
    """Both larger and smaller sides, and an odd size where the network takes one."""
    for odd in (False, True):
        report = export.to_tflite(
            net(UPSAMPLERS["bilinear"], odd=odd),
            tmp_path / f"{odd}.tflite",
            input_shape=(64, 128, 3),
            images=picture(),
            resizable=True,
        )
        assert report.inputs == {"image": (1, None, None, 3)}
        seen = [found.case for found in report.verifications[0].differences]
        assert {"resized to 96x64x3", "resized to 32x192x3"} <= set(seen)
        assert any(case.startswith("odd size") for case in seen) == odd


def test_odd_sizes(tmp_path: Path) -> None:
    model = net(UPSAMPLERS["bilinear"], odd=True)
    path = write(model, tmp_path, "tflite", input_shape=(32, 32, 3), resizable=True)
    for size in [(33, 45), (1, 7), (50, 21)]:
        x = noise(1, *size, 3)
        assert_close(answer(path, x), np.asarray(model(x)), of_range=5e-6)


@pytest.mark.parametrize(
    ("precision", "least"),
    [("float16", 55.0), ("dynamic", 30.0), ("int8", 27.0), ("int16x8", 40.0)],
)
def test_precisions(precision: str, least: float, tmp_path: Path) -> None:
    """Ranges of integers are learnt from smooth pictures; these are alike."""
    from keras_upsample.data import photograph

    model = net(UPSAMPLERS["bilinear"])
    path = tmp_path / "m.tflite"
    report = export.to_tflite(
        model, path, input_shape=(64, 64, 3), precision=precision, resizable=True
    )
    assert any(d.case.startswith("resized") for d in report.verifications[0].differences)
    image = photograph("rocket").astype("float32") / 255
    for top, left, height, width in [(100, 200, 46, 90), (40, 60, 128, 34)]:
        x = image[None, top : top + height, left : left + width]
        assert decibels(answer(path, x), np.asarray(model(x))) >= least


def test_integers_in_and_out_and_a_layer_in_float(tmp_path: Path) -> None:
    model, x = net(UPSAMPLERS["bilinear"]), picture(64, 64)[0]
    options = {"precision": "int8", "input_shape": (64, 64, 3), "resizable": True}
    for name, own in (("io", {"integer_io": True}), ("float", {"keep_float": ["out"]})):
        export.to_tflite(model, tmp_path / f"{name}.tflite", **options, **own)
        runner = runtimes.load(tmp_path / f"{name}.tflite")
        assert runner.inputs[0].shape == (1, None, None, 3)
        for part in (x[None, :44, :60], x[None]):
            (given,) = runner({"image": part}).values()
            assert decibels(given, np.asarray(model(part))) > 20  # noise, which it was not shown


def test_a_net_of_the_zoo(tmp_path: Path) -> None:
    """PadToMultiple2D, three levels, a crop to the image's size."""
    keras.utils.set_random_seed(4)
    model = zoo.unet(upsample="bilinear", filters=(4, 6, 8))
    path = write(model, tmp_path, "tflite", input_shape=(64, 64, 3), resizable=True)
    for size in [(61, 100), (128, 37)]:
        x = noise(1, *size, 3)
        assert_close(answer(path, x), np.asarray(model(x)), of_range=2e-5)


def test_two_images_that_are_resized_together(tmp_path: Path) -> None:
    left, right = (keras.Input((None, None, 3), name=name) for name in ("right", "left"))
    right_half = layers.MaxPooling2D()(right)
    x = layers.Concatenate()([UPSAMPLERS["bilinear"]()(right_half), left])
    model = distinctive(keras.Model([left, right], convolution(2)(x)))
    shapes = {"left": (32, 32, 3), "right": (32, 32, 3)}
    path = write(model, tmp_path, "tflite", input_shape=shapes, resizable=True)
    feeds = [noise(1, 20, 46, 3, seed=seed) for seed in (1, 2)]
    assert_close(answer(path, *feeds), np.asarray(model(feeds)), of_range=5e-6)


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = convolution(4, activation="relu"), convolution(2)
        self.up = layers.UpSampling2D(2, interpolation="bilinear")

    def call(self, x: Any) -> Any:
        half = keras.ops.max_pool(self.first(x), 2)
        return self.last(keras.ops.concatenate([self.up(half), x], axis=-1))


def test_a_subclassed_model(tmp_path: Path) -> None:
    model = Subclassed()
    model(noise(1, 32, 32, 3))
    distinctive(model)
    path = write(
        model, tmp_path, "tflite", input_shape=(32, 32, 3), resizable=True, images=picture()
    )
    x = noise(1, 22, 38, 3)
    assert_close(answer(path, x), np.asarray(model(x)), of_range=5e-6)


def test_pads_that_the_graph_computes(tmp_path: Path) -> None:
    """Of the user's own code, before, behind and mirrored: channels stay known."""
    import tensorflow as tf

    class Pads(layers.Layer):
        def call(self, x: Any) -> Any:
            rows = tf.shape(x)[1] % 3
            x = tf.pad(x, [[0, 0], [rows, 2], [0, 1], [0, 0]], constant_values=0.5)
            return tf.pad(x, [[0, 0], [1, rows], [0, 0], [0, 0]], mode="REFLECT")

        def compute_output_spec(self, x: Any) -> Any:
            return keras.KerasTensor((x.shape[0], None, None, x.shape[3]))

    image = keras.Input((None, None, 3), name="image")
    model = distinctive(keras.Model(image, convolution(2)(Pads()(image))))
    path = write(model, tmp_path, "tflite", input_shape=(32, 32, 3), resizable=True)
    for size in [(22, 38), (17, 9)]:
        x = noise(1, *size, 3)
        assert_close(answer(path, x), np.asarray(model(x)), of_range=5e-6)


def test_head_and_pixels_inside(tmp_path: Path) -> None:
    model = net(UPSAMPLERS["bilinear"])
    path = write(
        model,
        tmp_path,
        "tflite",
        input_shape=(32, 32, 3),
        resizable=True,
        metadata=Metadata().with_input(scaling=Scaling.to_range(0, 1)),
        head="argmax",
        scaling="inside",
        images=[(image * 255).astype("uint8") for image in picture()],
    )
    x = (noise(1, 26, 44, 3) * 255).astype("uint8")
    expected = np.argmax(model(x.astype("float32") / 255), axis=-1)
    assert np.mean(answer(path, x) == expected) > 0.999


def test_predict_and_info_at_any_size(tmp_path: Path) -> None:
    model = distinctive(zoo.unet(upsample="bilinear", filters=(4, 6)))
    path = tmp_path / "m.tflite"
    meaning = Metadata(task="segmentation").with_input(scaling=Scaling.to_range(0, 1))
    export.to_tflite(model, path, input_shape=(32, 32, 3), resizable=True, metadata=meaning)
    facts = read(path)
    assert facts is not None and facts.input.size == (None, None)
    for size in [(40, 50), (33, 71)]:
        image = (noise(*size, 3) * 255).astype("uint8")
        expected = np.argmax(model(image[None].astype("float32") / 255)[0], axis=-1)
        given = predict.predict(path, image).labels
        assert given is not None
        assert given.shape == size
        assert np.mean(given == expected) > 0.999


def test_threads_that_ask_for_different_sizes(tmp_path: Path) -> None:
    model = net(UPSAMPLERS["bilinear"])
    path = write(model, tmp_path, "tflite", input_shape=(32, 32, 3), resizable=True)
    runner = runtimes.load(path)
    feeds = [noise(1, 8 + 2 * n, 40 - 2 * n, 3, seed=n) for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: runner({"image": x})["out"], feeds * 3))
    for x, given in zip(feeds * 3, found, strict=True):
        assert_close(given, np.asarray(model(x)), of_range=5e-6)


def test_a_file_without_a_signature(tmp_path: Path) -> None:
    """As other makers write them: it is resized by the runner, and is well after a bad size."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = net(UPSAMPLERS["bilinear"])
    path = write(model, tmp_path, "tflite", input_shape=(32, 32, 3), resizable=True)
    whole = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    whole.signatureDefs = None
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(whole.Pack(builder), b"TFL3")
    other = tmp_path / "other.tflite"
    other.write_bytes(bytes(builder.Output()))
    runner = runtimes.load(other)
    (name,) = (info.name for info in runner.inputs)
    assert runner.inputs[0].shape == (1, None, None, 3)
    for size in [(32, 32), (20, 46), (33, 45), (20, 46), (32, 32)]:
        x = noise(1, *size, 3)
        if size == (33, 45):  # maps of 33 and 32 rows are put together
            with pytest.raises(RuntimeError):
                runner({name: x})
            continue
        (given,) = runner({name: x}).values()
        assert_close(given, np.asarray(model(x)), of_range=5e-6)


def test_on_the_command_line(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from keras_upsample.cli import app

    net(UPSAMPLERS["bilinear"]).save(tmp_path / "m.keras")
    asked = ["export", str(tmp_path / "m.keras"), "--out", str(tmp_path / "out"), "--resizable"]
    asked += ["--input-shape", "32,32,3", "--target"]
    found = CliRunner().invoke(app, [*asked, "tflite"])
    assert found.exit_code == 0, found.output
    (detail,) = Interpreter(str(tmp_path / "out" / "m.tflite")).get_input_details()
    assert detail["shape_signature"].tolist() == [1, -1, -1, 3]
    assert CliRunner().invoke(app, [*asked, "edge_tpu"]).exit_code == 2


def test_beside_other_targets(tmp_path: Path) -> None:
    """`input_shape` fixes the other formats, as ever."""
    report = export.export(
        net(UPSAMPLERS["bilinear"]),
        tmp_path,
        ["saved_model", "tflite"],
        picture(),
        input_shape=(32, 32, 3),
        resizable=True,
    )
    saved, lite = report.artefacts
    assert saved.inputs == {"image": (None, 32, 32, 3)}
    assert lite.inputs == {"image": (1, None, None, 3)}


@pytest.mark.parametrize("targets", [["edge_tpu"], ["tflite", "tflm"], ["onnx"], ["saved_model"]])
def test_targets_that_it_is_not_for(targets: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`resizable` is for the targets tflite, [^\n]+Received"):
        export.export(net(UPSAMPLERS["bilinear"]), tmp_path / "out", targets, resizable=True)
    assert not list(tmp_path.iterdir())


def test_a_model_of_fixed_sizes(tmp_path: Path) -> None:
    image = keras.Input((32, 32, 3), name="image")
    model = keras.Model(image, convolution(2)(image))
    with pytest.raises(ValueError, match=r"open height or width[^\n]+'image' \(32, 32, 3\)"):
        export.to_tflite(model, tmp_path / "m.tflite", resizable=True)
    with pytest.raises(ValueError, match="`allow_flex`"):
        export.to_tflite(model, tmp_path / "m.tflite", resizable=True, allow_flex=True)
    assert not list(tmp_path.iterdir())


class Patches(layers.Layer):
    def call(self, x: Any) -> Any:
        import tensorflow as tf

        ones = [1, 1, 1, 1]
        return tf.image.extract_patches(x, [1, 3, 3, 1], ones, ones, "SAME")

    def compute_output_spec(self, x: Any) -> Any:
        return keras.KerasTensor((*x.shape[:3], 9 * x.shape[3]))


def test_an_operator_without_a_form_at_open_sizes(tmp_path: Path) -> None:
    image = keras.Input((None, None, 3), name="image")
    model = keras.Model(image, convolution(2)(Patches()(image)))
    with pytest.raises(ExportError, match=r"ExtractImagePatches[^\n]+Without `resizable`") as info:
        write(model, tmp_path, "tflite", resizable=True, input_shape=(32, 32, 3))
    assert "allow_flex" not in str(info.value)
    assert not list(tmp_path.iterdir())
    write(model, tmp_path, "tflite", input_shape=(32, 32, 3))


def test_one_side_open(tmp_path: Path) -> None:
    image = keras.Input((None, 32, 3), name="image")
    model = distinctive(keras.Model(image, UPSAMPLERS["bilinear"]()(convolution(2)(image))))
    path = write(model, tmp_path, "tflite", resizable=True, input_shape=(32, 32, 3))
    x = noise(1, 21, 32, 3)
    assert_close(answer(path, x), np.asarray(model(x)), of_range=5e-6)


def test_a_model_that_takes_no_other_size(tmp_path: Path) -> None:
    """The input's sizes are open, and a layer holds those of its first call."""

    class OneSize(layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.reshape(x, (1, 32, 32, 3))

    image = keras.Input((None, None, 3), name="image")
    model = keras.Model(image, convolution(2)(OneSize()(image)))
    with pytest.raises(ExportError, match="Without `resizable`"):
        write(model, tmp_path, "tflite", resizable=True, input_shape=(32, 32, 3))
    assert not list(tmp_path.iterdir())
