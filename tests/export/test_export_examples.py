"""The forms in which people hold example inputs."""

from pathlib import Path

import keras
import numpy as np
import pytest
from exporting import distinctive, noise
from keras import layers

from keras_upsample import export, runtimes
from keras_upsample.examples._cases import cases
from keras_upsample.examples._sources import as_list, examples
from keras_upsample.program._signature import signature_of
from keras_upsample.quantization._calibration import calibration

COUNT, SIZE = 10, (12, 9)


def grey_net():
    x = keras.Input((*SIZE, 1), name="image")
    return distinctive(keras.Model(x, layers.Conv2D(2, 3, padding="same", name="scores")(x)))


def colour_net():
    x = keras.Input((*SIZE, 3), name="image")
    return distinctive(keras.Model(x, layers.Conv2D(2, 3, padding="same", name="scores")(x)))


def pixels(channels: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.integers(0, 256, (COUNT, *SIZE, channels)).astype("uint8")


def saved(folder: Path, images: np.ndarray) -> Path:
    from PIL import Image

    for index, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(folder / f"{index}.png")
    return folder


def with_pil(images):
    from PIL import Image

    return [Image.fromarray(image.squeeze()) for image in images]


def tf_data(*parts):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(parts[0] if len(parts) == 1 else parts)


class Pairs(keras.utils.PyDataset):
    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return COUNT // 2

    def __getitem__(self, index):
        part = self.images[2 * index : 2 * index + 2]
        return part, np.zeros(part.shape[:3])


MASKS = np.ones((COUNT, *SIZE), "uint8")
FORMS = {
    "array": lambda x, folder: x,
    "tensor": lambda x, folder: keras.ops.convert_to_tensor(x),
    "list": lambda x, folder: list(x),
    "list of batches": lambda x, folder: [x[:4], x[4:]],
    "nested lists": lambda x, folder: [(image / np.float32(255)).tolist() for image in x],
    "objects": lambda x, folder: np.array([*x, None], dtype=object)[:-1],
    "folder": lambda x, folder: saved(folder, x),
    "files": lambda x, folder: sorted(saved(folder, x).iterdir()),
    "PIL": lambda x, folder: with_pil(x),
    "function of lists": lambda x, folder: lambda: ([image[None]] for image in x),
    "generator of lists": lambda x, folder: ([image[None]] for image in x),
    "function of dicts": lambda x, folder: lambda: ({"image": image[None]} for image in x),
    "dict": lambda x, folder: {"image": x},
    "dicts with a label": lambda x, folder: [{"image": i, "label": 3} for i in x],
    "pairs": lambda x, folder: list(zip(x, MASKS, strict=True)),
    "batches of triples": lambda x, folder: ((x[i : i + 5], MASKS, 1) for i in (0, 5)),
    "arrays of (x, y)": lambda x, folder: (x, MASKS),
    "tf.data": lambda x, folder: tf_data(x),
    "tf.data of batches": lambda x, folder: tf_data(x).batch(3),
    "tf.data of pairs": lambda x, folder: tf_data(x, MASKS),
    "tf.data of batches of pairs": lambda x, folder: tf_data(x, MASKS).batch(4),
    "tf.data of dicts": lambda x, folder: tf_data({"image": x}).batch(4),
    "PyDataset": lambda x, folder: Pairs(x),
}
GREY = {
    "grey array": lambda x, folder: x[..., 0],
    "grey list": lambda x, folder: list(x[..., 0]),
    "grey batches": lambda x, folder: [x[:4, ..., 0], x[4:, ..., 0]],
    "grey pairs": lambda x, folder: lambda: zip(x[..., 0], MASKS, strict=True),
    "grey tf.data": lambda x, folder: tf_data(x[..., 0], MASKS).batch(5),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_colours(name, tmp_path):
    check(colour_net(), pixels(3), FORMS[name], tmp_path)


@pytest.mark.parametrize("name", FORMS | GREY)
def test_forms_of_grey(name, tmp_path):
    check(grey_net(), pixels(1), (FORMS | GREY)[name], tmp_path)


def check(model, images, form, folder):
    """Each form gives the same feeds, scaled from 8 bits, as ranges are learnt from and as a file
    is verified on."""
    signature = signature_of(model)
    wanted = images.astype("float32") / 255
    learnt = calibration(model, signature, form(images, folder), None)
    assert learnt.sources == {"image": "examples of `representative_data`"}
    assert_equal([feed["image"] for feed in learnt.feeds], wanted)
    again = as_list(form(images, folder), signature, "images")
    shown = [case.feeds["image"][:1] for case in cases(signature, again)][:COUNT]
    assert_equal(shown, wanted)


def assert_equal(given, wanted):
    assert len(given) == COUNT
    assert np.array_equal(np.concatenate(given), wanted)


def two_inputs():
    a, b = keras.Input((*SIZE, 3), name="a"), keras.Input((4,), name="b")
    y = layers.Conv2D(4, 3, padding="same")(a) + layers.Reshape((1, 1, 4))(layers.Dense(4)(b))
    return distinctive(keras.Model([a, b], y))


@pytest.mark.parametrize(
    "form",
    [
        lambda a, b: [a, b],
        lambda a, b: {"b": b, "a": a},
        lambda a, b: [[x, y] for x, y in zip(a, b, strict=True)],
        lambda a, b: lambda: ([x[None], y[None]] for x, y in zip(a, b, strict=True)),
        lambda a, b: [{"a": x, "b": y} for x, y in zip(a, b, strict=True)],
        lambda a, b: [((x, y), 1) for x, y in zip(a, b, strict=True)],
        lambda a, b: tf_data((a, b), MASKS).batch(3),
        lambda a, b: tf_data({"a": a, "b": b}, MASKS),
    ],
)
def test_forms_of_two_inputs(form):
    a, b = noise(COUNT, *SIZE, 3), noise(COUNT, 4, seed=1)
    signature = signature_of(two_inputs())
    found = [example for _, example in examples(form(a, b), signature, "images")]
    assert_equal([example["a"][None] for example in found], a)
    assert_equal([example["b"][None] for example in found], b)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (lambda x: 5, r"must be an array .* Received: int"),
        (lambda x: None if x is None else [None] * 9, r"arrays of numbers.*NoneType.* index 0"),
        (lambda x: [*x[:3], "no.png"], r"'no.png'.* does not exist"),
        (lambda x: [*x[:8], x[0] * np.nan], r"NaN or infinity at index 8"),
        (lambda x: [x[0, :0]] * 9, r"at least 1 pixel.*index 0"),
        (lambda x: [[[1, 2], [3]]] * 9, r"arrays of numbers|shape"),
        (lambda x: lambda image: x, r"function without arguments.*'image'"),
        (lambda x: [{"picture": i} for i in x], r"\['image'\].*Received: \['picture'\]"),
        (lambda x: [(i,) * 4 for i in x], r"index 0 holds 4 values.* 1 input"),
        (lambda x: [np.array(["a"])] * 9, r"arrays of numbers.*dtype"),
        (lambda x: [i.transpose(2, 0, 1) for i in x], r"\(3, 12, 9\)"),
        (lambda x: list(x[None, None]), r"shape \(12, 9, 3\).*Received: \(1, 10, 12, 9, 3\)"),
        (lambda x: iter(()), r"at least 8 images. Received: 0"),
        (lambda x: (i for i in x[:7]), r"at least 8 images. Received: 7"),
    ],
)
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_one_clear_error_before_any_work(kind, form, message, tmp_path, monkeypatch):
    from keras_upsample.export import _artefact

    monkeypatch.setattr(_artefact, "prepare", None)  # it would be called first of all
    data = form(noise(COUNT, *SIZE, 3))
    with pytest.raises(ValueError, match=message) as error:
        getattr(export, f"to_{kind}")(
            colour_net(), tmp_path / f"m.{kind}", precision="int8", representative_data=data
        )
    assert "\n" not in str(error.value)
    assert "`representative_data`" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_generator_is_for_every_target(tmp_path):
    """It is read once, and used for all."""
    x = noise(COUNT, *SIZE, 3)
    smooth = np.cumsum(np.cumsum(x, 1), 2) / (SIZE[0] * SIZE[1])
    report = export.export(
        colour_net(),
        tmp_path,
        ["tflite", "tflite_int8", "onnx_int8"],
        images=(image for image in smooth[:2]),
        representative_data=([image[None]] for image in smooth),
    )
    assert [len(a.verifications[0].differences) for a in report.artefacts] == [3, 2, 2]
    counts = [{(s.purpose, s.count) for s in a.shown} for a in report.artefacts]
    assert counts[0] == {("verification", 2)}
    assert counts[1] == counts[2] == {("verification", 2), ("calibration", COUNT)}


def test_bad_images_are_refused_before_any_work(tmp_path):
    with pytest.raises(ValueError, match=r"`images` must hold examples .*\(7,\)"):
        export.export(colour_net(), tmp_path / "new", images=[noise(7)])
    assert not (tmp_path / "new").exists()


def test_pictures_of_one_name_are_told_apart(tmp_path):
    paths = []
    for index, image in enumerate(pixels(3)[:2]):
        (tmp_path / str(index)).mkdir()
        (path,) = saved(tmp_path / str(index), image[None]).iterdir()
        paths.append(path)
    model = colour_net()
    report = export.to_onnx(model, tmp_path / "m.onnx", images=paths)
    assert report.verifications[0].passed
    assert [d.case for d in report.verifications[0].differences][:2] == ["0.png", "0.png (1)"]


def test_opacity_is_no_channel(tmp_path):
    """Of a picture in memory as of a file."""
    from PIL import Image

    image = pixels(3)[0]
    opaque = np.concatenate([image, np.full((*SIZE, 1), 9, "uint8")], axis=-1)
    picture = Image.fromarray(opaque)
    picture.save(tmp_path / "a.png")
    signature = signature_of(colour_net())
    for given in ([picture], tmp_path):
        ((_, example),) = examples(given, signature, "images")
        assert np.array_equal(example["image"], image)


def test_values_of_files_in_eight_bits(tmp_path):
    """From TFLite's own form to a file whose values are the model's."""
    x = noise(COUNT, *SIZE, 3)
    smooth = np.cumsum(np.cumsum(x, 1), 2) / (SIZE[0] * SIZE[1])
    model = colour_net()
    for kind in ("tflite", "onnx"):
        report = getattr(export, f"to_{kind}")(
            model,
            tmp_path / f"m.{kind}",
            precision="int8",
            representative_data=lambda: ([image[None]] for image in smooth),
            images=smooth,
        )
        runner = runtimes.load(report.path)
        (given,) = runner({runner.inputs[0].name: smooth[:1]}).values()
        wanted = np.asarray(model(smooth[:1]), "float64")
        assert 10 * np.log10(wanted.var() / np.mean((given - wanted) ** 2)) > 30
