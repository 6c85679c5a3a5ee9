"""TFLite files: precisions, Flex, fixed shapes, trained weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from compare import assert_close
from exporting import answers, assert_same, convolution, distinctive, noise, picture, write
from keras import layers

from keras_upsample import export, runtimes
from keras_upsample.errors import ExportError, VerificationError


def model_of(*stack, shape=(16, 16, 3)):
    return keras.Sequential([keras.Input(shape, name="image"), *stack, layers.ReLU(name="out")])


def net():
    return distinctive(model_of(convolution(24), layers.BatchNormalization(), convolution(24)))


def stored(path):
    """The float constants of a file, as LiteRT reads them."""
    runner = runtimes.load(path)
    interpreter = runner._interpreter
    return {
        detail["name"]: (interpreter.get_tensor(detail["index"]), detail["dtype"])
        for detail in interpreter.get_tensor_details()
        if len(detail["shape"]) == 4
    }


def test_float32_holds_the_weights_exactly(tmp_path):
    model = distinctive(model_of(convolution(5)))
    path = write(model, tmp_path, "tflite")
    kernel = np.asarray(model.layers[0].kernel).transpose(3, 0, 1, 2)  # as TFLite stores it
    assert any(
        array.shape == kernel.shape and np.array_equal(array, kernel)
        for array, _ in stored(path).values()
    )


@pytest.mark.parametrize("precision, gate", [("float32", 5e-5), ("float16", 1e-2)])
def test_precisions(precision, gate, tmp_path):
    model, x = net(), noise(1, 16, 16, 3)
    path = write(model, tmp_path, "tflite", precision=precision)
    assert_same(path, {"image": x}, {"out": model(x)}, of_range=gate)


def test_float16_halves_the_file_and_rounds_each_weight(tmp_path):
    model, x = net(), noise(1, 16, 16, 3)
    sizes, results = {}, {}
    for precision in ("float32", "float16", "dynamic"):
        path = tmp_path / f"{precision}.tflite"
        export.to_tflite(model, path, precision=precision, images=picture())
        sizes[precision] = path.stat().st_size
        results[precision] = answers(path, {"image": x})["out"]
    assert sizes["float16"] < 0.7 * sizes["float32"]
    assert sizes["dynamic"] < 0.6 * sizes["float32"]
    rounded = keras.models.clone_model(model)
    rounded.set_weights([w.astype("float16").astype("float32") for w in model.get_weights()])
    assert np.abs(results["float16"] - results["float32"]).max() > 0
    assert_close(results["float16"], rounded(x), of_range=2e-3)


def test_dynamic_is_judged_by_its_noise(tmp_path):
    model, x = net(), noise(1, 16, 16, 3)
    report = export.to_tflite(model, tmp_path / "m.tflite", precision="dynamic", images=picture())
    assert 30 <= report.verifications[0].snr_db < 90
    expected = np.asarray(model(x))
    gap = answers(tmp_path / "m.tflite", {"image": x})["out"] - expected
    assert 10 * np.log10(expected.var() / np.mean(gap**2)) >= 30


def test_dynamic_below_the_gate_is_refused(tmp_path):
    # Two channels a million apart: 8 bits a tensor can't hold both.
    model = net()
    kernel = np.array(model.layers[0].kernel)
    kernel[..., 0] *= 1e6
    model.layers[0].kernel.assign(kernel)
    model.layers[1].set_weights([np.ones(24), np.zeros(24), np.zeros(24), np.ones(24)])
    last = np.array(model.layers[2].kernel)
    last[:, :, 0] = 0
    model.layers[2].kernel.assign(last)
    with pytest.raises(VerificationError, match=r"dB, at least 30 dB are needed"):
        export.to_tflite(model, tmp_path / "m.tflite", precision="dynamic", images=picture())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("batch_size", [1, 3])
def test_shapes_are_fixed(batch_size, tmp_path):
    model = keras.Sequential([keras.Input((None, None, 3), name="image"), convolution(name="out")])
    path = tmp_path / "m.tflite"
    report = export.to_tflite(
        model, path, input_shape=(24, 17, 3), batch_size=batch_size, images=picture()
    )
    runner = runtimes.load(path)
    assert runner.inputs[0].shape == report.inputs["image"] == (batch_size, 24, 17, 3)
    assert report.delegate_partitions == 1
    x = noise(batch_size, 24, 17, 3)
    assert_same(path, {"image": x}, {"out": model(x)})


def flex_model():
    options = {"padding": "SAME", "data_format": "NHWC", "dilations": [1] * 4}
    dilation = layers.Lambda(lambda x: tf.nn.dilation2d(x, tf.ones((3, 3, 4)), [1] * 4, **options))
    return distinctive(model_of(convolution(), dilation))


def test_flex_must_be_asked_for(tmp_path):
    with pytest.raises(ExportError, match=r"no built-in operator for Dilation2D.*allow_flex=True"):
        write(flex_model(), tmp_path, "tflite")
    assert not list(tmp_path.iterdir())


def test_flex_is_verified_in_tensorflow_or_not_published(tmp_path):
    model, x, path = flex_model(), noise(1, 16, 16, 3), tmp_path / "m.tflite"
    try:
        report = export.to_tflite(model, path, allow_flex=True, images=picture())
    except ExportError as error:
        # TensorFlow's package left the Flex operators out in 2.20; maybe they come back.
        assert "needs Select-TF (Flex) operators, which this interpreter does not have" in str(
            error
        )
        assert not list(tmp_path.iterdir())
    else:
        assert report.verifications[0].runtime.startswith("TensorFlow Lite with Flex")
        assert any(name.startswith("Flex") for name in report.operators)
        assert_same(path, {"image": x}, {"out": model(x)}, runtime="litert_flex")


def test_allow_flex_changes_nothing_where_it_is_not_needed(tmp_path):
    report = export.to_tflite(net(), tmp_path / "m.tflite", allow_flex=True, images=picture())
    assert not any(name.startswith("Flex") for name in report.operators)
    assert runtimes.load(tmp_path / "m.tflite").delegate_partitions() == 1


def test_advice_names_only_what_helps():
    from keras_upsample.formats._advice import advice

    assert "docs/limits.md" in advice(["ImageProjectiveTransformV3"])
    assert advice(["FlexArgMax", "Dilation2D"]).startswith("Leave keras.ops.argmax out")
    assert "tf.image.resize" in advice(["ResizeArea at 'model/resize'"])
