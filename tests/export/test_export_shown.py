"""What the report says of the values that ranges were learnt from and files verified on."""

import json
import warnings

import keras
import numpy as np
import pytest
from exporting import distinctive, noise
from keras import layers

from keras_upsample import export
from keras_upsample.metadata import Input, Metadata, Scaling

SIZE = (16, 12)


def net(rescaling=None):
    x = keras.Input((*SIZE, 3), name="image")
    y = x if rescaling is None else layers.Rescaling(rescaling)(x)
    return distinctive(keras.Model(x, layers.Conv2D(2, 3, padding="same", name="scores")(y)))


def smooth(count=9, low=0.0, high=1.0):
    """Images that reach from low to high."""
    images = np.cumsum(np.cumsum(noise(count, *SIZE, 3), 1), 2)
    images -= images.min()
    return (low + (high - low) * images / images.max()).astype("float32")


def to_minus_one():
    return Metadata(inputs=(Input("image", scaling=Scaling.to_range(-1, 1)),))


def of(report):
    return {values.purpose: values for values in report.shown}


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_range_and_share(kind, tmp_path):
    images = smooth(low=-0.75, high=0.75)
    options = {"metadata": to_minus_one(), "images": images[:2], "representative_data": images}
    report = getattr(export, f"to_{kind}")(
        net(), tmp_path / f"m.{kind}", precision="int8", **options
    )
    found = of(report)["calibration"]
    assert found.input == "image" and found.count == 9
    assert found.value_range == pytest.approx((-0.75, 0.75))
    assert found.declared == (-1, 1)
    assert found.share == pytest.approx(0.75)
    assert not report.warnings
    line = "'image' was calibrated on 9 examples of `representative_data`: -0.75 to 0.75 (75% of"
    assert line in str(report)
    own = of(report)["verification"]
    assert own.value_range == (float(images[:2].min()), float(images[:2].max()))
    assert "was verified on 2 examples of `images`" in str(report)


def test_report_json_has_it(tmp_path):
    export.export(net(1 / 255), tmp_path, ["tflite", "tflite_int8"])
    report = json.loads((tmp_path / "report.json").read_text())
    plain, integers = ({s["purpose"]: s for s in a["shown"]} for a in report["artefacts"])
    assert set(plain) == {"verification"} and set(integers) == {"verification", "calibration"}
    for values in (*plain.values(), *integers.values()):
        assert values["declared"] == [0, 255]
        low, high = values["value_range"]
        assert values["share"] == pytest.approx((high - low) / 255)
        assert values["share"] > 0.9
        assert "photographs of this package" in values["source"]


@pytest.mark.parametrize("argument", ["images", "representative_data"])
def test_images_of_another_scale_are_refused(argument, tmp_path):
    """In [0, 1] for a network that begins with a division by 255, and the reverse."""
    given = {"images": smooth(high=255), "representative_data": smooth(high=255)}
    with pytest.raises(ValueError, match=f"`{argument}` reaches 1, .* made for 0 to 255") as error:
        export.to_tflite(
            net(1 / 255), tmp_path / "m.tflite", precision="int8", **(given | {argument: smooth()})
        )
    assert "uint8" in str(error.value)
    with pytest.raises(ValueError, match=f"`{argument}` reaches 255, .* made for -1 to 1"):
        export.to_onnx(
            net(),
            tmp_path / "m.onnx",
            precision="int8",
            metadata=to_minus_one(),
            **(
                {"images": smooth(), "representative_data": smooth()} | {argument: smooth(high=255)}
            ),
        )
    assert not list(tmp_path.iterdir())


def test_pictures_are_scaled_to_what_the_network_takes(tmp_path):
    pictures = (smooth(high=255)).astype("uint8")
    report = export.to_tflite(
        net(1 / 255),
        tmp_path / "m.tflite",
        precision="int8",
        images=pictures,
        representative_data=pictures,
    )
    assert {values.value_range for values in report.shown} == {(0, 255)}
    assert not report.warnings


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (0.0, 0.7, r"cover 35% of the range of the input 'image', .* -1 to 1: they are 0 to 0.7"),
        (-2.0, 2.5, r"reach -2 to 2.5, beyond the input 'image', .* -1 to 1"),
    ],
)
def test_a_small_share_is_warned_of(low, high, message, tmp_path):
    images = smooth(low=low, high=high)
    with pytest.warns(UserWarning, match=f"calibration: .*{message}"):
        report = export.to_tflite(
            net(),
            tmp_path / "m.tflite",
            precision="int8",
            metadata=to_minus_one(),
            images=images,
            representative_data=images,
        )
    assert [line.partition(":")[0] for line in report.warnings] == ["calibration", "verification"]
    assert all(f"tflite_int8: {line}" in str(report) for line in report.warnings)


def test_dark_images_in_sixteen_bits_are_warned_of_not_refused(tmp_path):
    """12 bits of 16, as cameras write them: 6% of the range."""
    images = smooth(high=4095).astype("uint16")
    metadata = Metadata(inputs=(Input("image", scaling=Scaling()),))
    with pytest.warns(UserWarning, match="cover 6% of the range"):
        export.to_tflite(
            net(),
            tmp_path / "m.tflite",
            precision="int8",
            metadata=metadata,
            images=images,
            representative_data=images,
        )


def test_pixels_inside_are_judged_as_pixels(tmp_path):
    images = smooth(high=255).astype("uint8")
    report = export.to_tflite(
        net(),
        tmp_path / "m.tflite",
        precision="int8",
        metadata=to_minus_one(),
        images=images,
        representative_data=images,
        scaling="inside",
    )
    found = of(report)
    assert found["verification"].declared == (0, 255)
    assert found["verification"].value_range == (0, 255)
    assert found["calibration"].declared == (-1, 1)
    assert found["calibration"].value_range == pytest.approx((-1, 1))


def test_nothing_is_declared(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        report = export.to_onnx(net(), tmp_path / "m.onnx", images=smooth(2))
    (found,) = report.shown
    assert (found.declared, found.share) == (None, None)
    assert "0 to 1 (nothing says what it takes)" in str(report)
