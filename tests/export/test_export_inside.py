"""`scaling="inside"`: files that take pixels, against the model behind scaling by NumPy."""

import keras
import numpy as np
import pytest
from exporting import answers, distinctive, write

from keras_upsample import export, runtimes
from keras_upsample.errors import VerificationError
from keras_upsample.formats import _inside
from keras_upsample.metadata import IMAGENET, Input, Metadata, Output, Scaling, attach, read
from keras_upsample.predict import predict

SCALINGS = {
    "0 to 1": Scaling(),
    "-1 to 1": Scaling.to_range(-1, 1),
    "0 to 255": Scaling.to_range(0, 255),
    "ImageNet": IMAGENET,
    "Caffe": Scaling("stored", (1,), (-104.0, -116.7, -122.7)),
}


def classifier(size=(None, None), channels=3):
    image = keras.Input((*size, channels), name="image")
    x = keras.layers.Conv2D(5, 3, padding="same", activation="tanh")(image)
    model = keras.Model(image, keras.layers.Conv2D(3, 1, name="scores")(x), name="net")
    return distinctive(model)


def enlarger(ends, activation, size=(None, None)):
    image = keras.Input((*size, 3), name="image")
    x = keras.layers.Conv2D(12, 3, padding="same")(image)
    x = keras.layers.Activation(activation)(x * 2.0)
    y = keras.layers.UpSampling2D(2, name="picture")(x[..., :3])
    model = distinctive(keras.Model(image, y, name="net"))
    return described(model, task="super_resolution", kind="picture", value_range=ends)


def described(model, scaling=None, task="segmentation", kind="logits", **output):
    return attach(
        model,
        Metadata(
            "net",
            task=task,
            inputs=(Input("image", scaling=scaling or Scaling()),),
            outputs=(Output(model.output_names[0], kind, **output),),
        ),
    )


def pixels(*shape, seed=2):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype="uint8")


def by_numpy(x, scaling):
    unit = 255.0 if scaling.base == "full_range" else 1.0
    return (x / unit * np.array(scaling.scale) + np.array(scaling.offset)).astype("float32")


def pictures(size, channels=3):
    return [pixels(*size, channels, seed=seed) for seed in range(8)]


def decibels(actual, wanted):
    return 10 * np.log10(wanted.var() / np.mean((actual - wanted) ** 2))


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.parametrize("kind", ["saved_model", "tflite", "onnx"])
def test_pixels_go_in(kind, name, tmp_path):
    scaling = SCALINGS[name]
    size = (21, 13) if kind == "tflite" else (None, None)
    model = described(classifier(size), scaling)
    path = write(model, tmp_path, kind, scaling="inside", images=pictures((21, 13)))
    runner = runtimes.load(path)
    assert [str(info.dtype) for info in runner.inputs] == ["uint8"]
    batch = 1 if kind == "tflite" else 3
    x = pixels(batch, 21, 13, 3)
    x[0, 0, 0], x[0, 0, 1] = 0, 255
    wanted = np.asarray(model(by_numpy(x, scaling)))
    found = runner({"image": x})["scores"]
    assert found.dtype == np.float32 and np.abs(found - wanted).max() < 5e-5 * np.ptp(wanted)
    facts = read(path).input
    assert (facts.dtype, facts.scaling, facts.value_range) == ("uint8", Scaling("stored"), (0, 255))


def test_channels_first_and_a_class_map(tmp_path):
    model = described(classifier(), IMAGENET, class_names=("a", "b", "c"))
    options = {"scaling": "inside", "head": "argmax", "images": pictures((16, 24))}
    path = write(model, tmp_path, "onnx", layout="nchw", **options)
    x = pixels(2, 16, 24, 3)
    (found,) = answers(path, {"image": np.ascontiguousarray(x.transpose(0, 3, 1, 2))}).values()
    wanted = np.asarray(model(by_numpy(x, IMAGENET))).argmax(-1)
    assert found.dtype == np.uint8
    assert np.mean(found == wanted) > 0.999
    facts = read(path)
    assert facts.output.kind == "class_map" and facts.class_names == ("a", "b", "c")


@pytest.mark.parametrize("kind", ["saved_model", "tflite", "onnx"])
@pytest.mark.parametrize(("ends", "activation"), [((0, 1), "linear"), ((-1, 1), "tanh")])
def test_pictures_come_out_as_pixels(kind, ends, activation, tmp_path):
    """Values beyond the range are cut off, not wrapped around."""
    model = enlarger(ends, activation, (12, 10) if kind == "tflite" else (None, None))
    path = write(model, tmp_path, kind, scaling="inside", images=pictures((12, 10)))
    x = pixels(1, 12, 10, 3)
    values = np.asarray(model(by_numpy(x, Scaling())), "float64")
    wanted = ((values - ends[0]) / (ends[1] - ends[0]) * 255).clip(0, 255)
    (found,) = answers(path, {"image": x}).values()
    assert found.dtype == np.uint8 and found.shape == (1, 24, 20, 3)
    assert np.abs(found - wanted).max() <= 0.5 + 1e-3
    assert read(path).output.value_range == (0, 255)
    if activation == "linear":
        assert (wanted == 0).any() or (wanted == 255).any()


def test_a_network_of_the_zoo_enlarges_frames(tmp_path):
    from keras_upsample.zoo import espcn

    model = distinctive(espcn())
    options = {"input_shape": (20, 14, 3), "images": pictures((20, 14)), "scaling": "inside"}
    path = write(model, tmp_path, "tflite", **options)
    x = pixels(1, 20, 14, 3)
    wanted = (np.asarray(model(by_numpy(x, Scaling()))) * 255).clip(0, 255)
    (found,) = answers(path, {"image": x}).values()
    assert found.dtype == np.uint8 and np.abs(found - wanted).max() <= 0.5 + 1e-3


def quantisation(path):
    """Dtype, scale and zero of a TFLite file's input and output, as stored."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    ends = (interpreter.get_input_details()[0], interpreter.get_output_details()[0])
    return [(np.dtype(end["dtype"]).name, *end["quantization"]) for end in ends]


@pytest.mark.parametrize("integer_io", [False, True])
@pytest.mark.parametrize("name", ["0 to 1", "-1 to 1", "ImageNet"])
def test_eight_bit_files_take_unsigned_pixels(name, integer_io, tmp_path):
    scaling = SCALINGS[name]
    model = described(classifier((16, 16)), scaling)
    dim = [(picture // 2 + 40) for picture in pictures((16, 16))]  # no black, no white
    path = tmp_path / "m.tflite"
    options = {"precision": "int8", "integer_io": integer_io, "scaling": "inside"}
    export.to_tflite(model, path, representative_data=dim, images=dim, **options)
    taken, given = quantisation(path)
    assert taken[0] == "uint8" and taken[2] == 0
    assert taken[1] == pytest.approx(1, rel=1e-6)  # the whole range, whatever the images hold
    assert given[0] == ("uint8" if integer_io else "float32")
    x = dim[0][None]
    wanted = np.asarray(model(by_numpy(x, scaling)), "float64")
    assert decibels(answers(path, {"image": x})["scores"], wanted) > 30
    # A real number of the input is a pixel as well.
    same = answers(path, {"image": x.astype("float32")})["scores"]
    np.testing.assert_array_equal(same, answers(path, {"image": x})["scores"])
    assert read(path).input.dtype == "uint8"


def test_eight_bit_pictures_are_pixels(tmp_path):
    model = enlarger((0, 1), "sigmoid", (16, 16))
    path = tmp_path / "m.tflite"
    shown = pictures((16, 16))
    options = {"representative_data": shown, "images": shown, "scaling": "inside"}
    export.to_tflite(model, path, precision="int8", **options)
    assert quantisation(path) == [("uint8", 1, 0), ("uint8", 1, 0)]
    x = shown[3][None]
    wanted = np.asarray(model(by_numpy(x, Scaling()))) * 255
    (found,) = answers(path, {"image": x}).values()
    assert np.abs(found - wanted).max() < 6 and decibels(found, wanted) > 30


def test_sixteen_bit_activations_are_refused(tmp_path):
    model = described(classifier((16, 16)), IMAGENET)
    for make in (
        lambda: export.to_tflite(model, tmp_path / "m", precision="int16x8", scaling="inside"),
        lambda: export.export(model, tmp_path, ["onnx", "tflite_int16x8"], scaling="inside"),
    ):
        with pytest.raises(
            ValueError, match="not for tflite_int16x8: TFLite's converter"
        ) as caught:
            make()
        assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_onnx_of_lower_precision(precision, tmp_path):
    model = described(classifier((16, 16)), IMAGENET)
    shown, path = pictures((16, 16)), tmp_path / "m.onnx"
    data = {"representative_data": shown} if precision == "int8" else {}
    export.to_onnx(model, path, precision=precision, images=shown, scaling="inside", **data)
    wanted = np.asarray(model(by_numpy(shown[0][None], IMAGENET)))
    assert decibels(answers(path, {"image": shown[0][None]})["scores"], wanted) > 30


@pytest.mark.parametrize("head", ["argmax", "threshold"])
def test_eight_bit_class_maps_of_pixels(head, tmp_path):
    """Judged by what the scores of the model lose, which takes no pixels itself."""
    model = classifier((16, 16))
    kind = {"argmax": "logits", "threshold": "probabilities"}[head]
    if head == "threshold":
        one = keras.layers.Conv2D(1, 1, activation="sigmoid", name="score")(model.output)
        model = distinctive(keras.Model(model.input, one, name="net"))
    described(model, IMAGENET, ("binary_" if head == "threshold" else "") + "segmentation", kind)
    shown, path = pictures((16, 16)), tmp_path / "m.tflite"
    options = {"precision": "int8", "head": head, "scaling": "inside", "images": shown}
    export.to_tflite(model, path, representative_data=shown, **options)
    x = np.stack(shown)
    scores = np.asarray(model(by_numpy(x, IMAGENET)))
    wanted = scores.argmax(-1) if head == "argmax" else scores[..., 0] >= 0.5
    found = np.stack([next(iter(answers(path, {"image": one[None]}).values()))[0] for one in x])
    assert np.mean(found.reshape(wanted.shape) == wanted) > 0.97


def test_a_microcontroller_takes_pixels(tmp_path):
    pytest.importorskip("tflite_micro")
    model = described(classifier((16, 16)), IMAGENET)
    shown = pictures((16, 16))
    options = {"representative_data": shown, "scaling": "inside"}
    report = export.export(model, tmp_path, ["tflm"], shown, **options)
    assert report.artefacts[0].check.passed
    path = tmp_path / "net_tflm.tflite"
    x = shown[0][None]
    wanted = np.asarray(model(by_numpy(x, IMAGENET)))
    (found,) = answers(path, {"image": x}, "tflm").values()
    assert decibels(found, wanted) > 30


def test_an_npu_takes_pixels(tmp_path):
    pytest.importorskip("ethosu")
    model = described(classifier((16, 16)), IMAGENET)
    options = {"representative_data": pictures((16, 16)), "scaling": "inside"}
    report = export.export(model, tmp_path, ["ethos_u55_128"], pictures((16, 16)), **options)
    assert report.artefacts[0].check.passed


@pytest.mark.parametrize("kind", ["saved_model", "tflite", "onnx"])
def test_a_file_is_verified_and_used_later(kind, tmp_path):
    model = described(classifier((32, 24)), IMAGENET)
    path = write(model, tmp_path, kind, scaling="inside", images=pictures((32, 24)))
    assert export.verify(model, path).passed
    x = pixels(32, 24, 3)
    wanted = np.asarray(model(by_numpy(x[None], IMAGENET)))[0].argmax(-1)
    assert np.mean(predict(path, x).labels == wanted) > 0.999
    other = described(distinctive(classifier((32, 24)), seed=8), IMAGENET)
    with pytest.raises(VerificationError):
        export.verify(other, path)
    same_weights = described(classifier((32, 24)), Scaling())
    with pytest.raises(VerificationError):  # its scaling is part of what a file computes
        export.verify(same_weights, path)


def test_an_eight_bit_file_is_verified_later(tmp_path):
    model = described(classifier((32, 24)), IMAGENET)
    options = {"images": pictures((32, 24)), "scaling": "inside", "precision": "int8"}
    export.to_tflite(model, tmp_path / "m.tflite", **options)
    gate = export.Gate(min_snr_db=25)
    assert export.verify(model, tmp_path / "m.tflite", pictures((32, 24)), gate=gate).passed


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_the_check_is_not_the_makers_own(kind, tmp_path, monkeypatch):
    """A maker that scales wrongly is found out."""
    original = _inside._network_values

    def wrong(values, affine, integers):
        return original(values, _inside.Affine(affine.scale, (0.01,)), integers)

    monkeypatch.setattr(_inside, "_network_values", wrong)
    with pytest.raises(VerificationError):
        write(described(classifier((16, 16))), tmp_path, kind, scaling="inside", images=None)
    assert not list(tmp_path.iterdir())


def test_rounding_is_checked_too(tmp_path, monkeypatch):
    original = _inside._pixels

    def wrong(values, affine, integers):
        return original(values, _inside.Affine(affine.scale, (0.6,)), integers)

    monkeypatch.setattr(_inside, "_pixels", wrong)
    with pytest.raises(VerificationError):
        model = enlarger((0, 1), "sigmoid", (16, 16))
        write(model, tmp_path, "tflite", scaling="inside", images=pictures((16, 16)))


def several_inputs():
    image, gains = keras.Input((8, 8, 3), name="image"), keras.Input((3,), name="gains")
    y = keras.layers.Conv2D(2, 1, name="scores")(image * gains[:, None, None, :])
    model = distinctive(keras.Model([image, gains], y, name="net"))
    facts = (Input("image", scaling=IMAGENET), Input("gains"))
    return attach(model, Metadata("net", inputs=facts))


def test_only_pictures_are_scaled(tmp_path):
    model = several_inputs()
    path = write(model, tmp_path, "onnx", scaling="inside", images=pictures((8, 8)))
    x, gains = pixels(2, 8, 8, 3), np.random.default_rng(0).random((2, 3), "float32")
    wanted = np.asarray(model([by_numpy(x, IMAGENET), gains]))
    found = answers(path, {"image": x, "gains": gains})["scores"]
    np.testing.assert_allclose(found, wanted, atol=5e-5)
    assert {i.name: i.dtype for i in read(path).inputs} == {"image": "uint8", "gains": "float32"}


REFUSED = {
    "percentiles": (lambda: described(classifier(), Scaling("percentiles")), "percentiles"),
    "unknown": (classifier, "Attach metadata with a `scaling`"),
    "no range": (lambda: enlarger(None, "linear"), "`value_range` of the output"),
    "channels": (lambda: described(classifier(channels=2), IMAGENET), "3 channels"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("kind", ["saved_model", "tflite", "onnx"])
def test_what_can_not_be_inside_is_refused(kind, case, tmp_path):
    make, why = REFUSED[case]
    with pytest.raises(ValueError, match=why) as caught:
        write(make(), tmp_path, kind, scaling="inside")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_bad_arguments(tmp_path):
    model = described(classifier((16, 16)))
    with pytest.raises(ValueError, match=r"`scaling` must be 'outside' or 'inside'"):
        export.to_tflite(model, tmp_path / "m.tflite", scaling="within")
    with pytest.raises(ValueError, match="pictures of uint8"):
        write(model, tmp_path, "onnx", scaling="inside")
    with pytest.raises(ValueError, match="`keep_float`"):
        export.to_tflite(
            model, tmp_path / "m.tflite", precision="int8", keep_float=["x"], scaling="inside"
        )
