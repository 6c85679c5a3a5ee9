"""`verify`: an artefact that exists already, against a model."""

import keras
import numpy as np
import pytest
from exporting import FORMATS, assert_same, convolution, distinctive, noise, picture, write

import keras_upsample as ku
from keras_upsample import export, runtimes
from keras_upsample.errors import ArtefactError, VerificationError
from keras_upsample.export import Gate

openvino = pytest.mark.skipif(
    not runtimes.available()["openvino"], reason="OpenVINO is not installed"
)


def net(channels=3, seed=5):
    return distinctive(
        keras.Sequential(
            [keras.Input((None, None, channels), name="image"), convolution(4, name="out")]
        ),
        seed,
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_fresh_artefacts_pass_and_anothers_do_not(kind, tmp_path):
    model = net()
    path = write(model, tmp_path, kind)
    result = export.verify(model, path, images=picture())
    assert result.passed
    assert result.max_error < 5e-5
    cases = [d.case for d in result.differences]
    assert cases[:2] == ["image 0", "noise"]
    assert cases[2:] == ([] if kind == "tflite" else ["odd size 21x13", "batch of 2"])
    with pytest.raises(VerificationError, match=r"'out'.*allowed 5e-05"):
        export.verify(net(seed=6), path, images=picture())
    with pytest.raises(ValueError, match=r"not made from this model"):
        export.verify(net(channels=4), path, images=picture())
    named = keras.Sequential([keras.Input((None, None, 3), name="image"), convolution(5)])
    with pytest.raises(VerificationError, match=r"has the shape"):
        export.verify(named, path, images=picture())


def test_a_gate_of_ones_own(tmp_path):
    model = net()
    path = write(model, tmp_path, "tflite", precision="float16")
    with pytest.raises(VerificationError):
        export.verify(model, path, images=picture())
    assert export.verify(model, path, images=picture(), gate=Gate(1e-2)).passed


def test_real_photographs_by_default(tmp_path):
    path = write(net(), tmp_path, "tflite")
    cases = [d.case for d in export.verify(net(), path).differences]
    assert cases == ["astronaut", "chelsea", "coffee", "noise"]


def test_nchw(tmp_path):
    model = net()
    path = write(model, tmp_path, "onnx", layout="nchw")
    assert export.verify(model, path, images=picture()).passed
    with pytest.raises(VerificationError):
        export.verify(net(seed=6), path, images=picture())


def test_the_untold_fixed_size_of_a_file_is_respected(tmp_path):
    model = net()
    path = write(model, tmp_path, "tflite", input_shape=(20, 12, 3), batch_size=2)
    assert export.verify(model, path, images=picture()).passed


@openvino
@pytest.mark.parametrize(
    "upsample, layout",
    [
        ("transposed_conv", "nchw"),
        ("nearest", "nhwc"),
        ("bilinear", "nchw"),
        ("pixel_shuffle", "nhwc"),
    ],
)
def test_openvino(upsample, layout, tmp_path, every_runtime):
    model = distinctive(ku.zoo.unet(filters=(4, 8), upsample=upsample))
    path = tmp_path / "m.onnx"
    report = export.to_onnx(model, path, layout=layout, images=picture())
    first, second = report.verifications
    assert first.runtime.startswith("ONNX Runtime")
    assert second.runtime.startswith("OpenVINO")
    assert len(second.differences) == len(first.differences) == 4
    runner = runtimes.load(path, runtime="openvino")
    assert runner.layout == layout
    assert runner.inputs[0].shape == (
        (None, None, None, 3) if layout == "nhwc" else (None, 3, None, None)
    )
    assert runner.operator_counts()["Parameter"] == 1
    x = noise(2, 10, 14, 3)
    if layout == "nhwc":
        assert_same(path, {"image": x}, {"logits": model(x)}, runtime="openvino")
    with pytest.raises(VerificationError, match=r"OpenVINO"):
        export.verify(distinctive(model, 9), path, images=picture(), runtime="openvino")


@openvino
def test_openvino_refuses_garbage(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"garbage")
    with pytest.raises(ArtefactError, match=r"OpenVINO"):
        runtimes.load(tmp_path / "m.onnx", runtime="openvino")


def test_one_output_of_another_name_is_still_compared(tmp_path):
    import onnx

    path = write(net(), tmp_path, "onnx")
    proto = onnx.load(path)
    for node in proto.graph.node:
        for index, name in enumerate(node.output):
            if name == "out":
                node.output[index] = "renamed"
    proto.graph.output[0].name = "renamed"
    onnx.save(proto, path)
    assert export.verify(net(), path, images=picture()).passed
    with pytest.raises(VerificationError):
        export.verify(net(seed=6), path, images=picture())


def test_the_answer_is_a_readable_line(tmp_path):
    model = net()
    text = str(export.verify(model, write(model, tmp_path, "onnx"), images=picture()))
    assert text.startswith("ONNX Runtime ")
    assert ": passed, largest error " in text
    assert text.endswith("argmax equal 100.000%")
    assert np.char.count(text, "\n") == 0


def grouped(seed: int = 4) -> keras.Model:
    inputs = keras.Input((24, 20, 3), name="image")
    x = keras.layers.Conv2D(8, 3, padding="same")(inputs)
    return distinctive(keras.Model(inputs, keras.layers.GroupNormalization(4, name="out")(x)), seed)


def rounding(monkeypatch, share: float) -> None:
    """The model's float32 answers are off by this share of their range at one pixel."""
    from keras_upsample.export._reference import Reference

    plain = Reference._fresh_answer

    def coarse(self, case):
        answer = plain(self, case)
        for value in answer.values():
            value[0, 3, 4, 1] += share * (value.max() - value.min())
        return answer

    monkeypatch.setattr(Reference, "_fresh_answer", coarse)


def test_rounding_of_the_model_itself_is_no_fault_of_the_artefact(tmp_path, monkeypatch):
    model = grouped()
    path = write(model, tmp_path, "onnx")
    exact = export.verify(model, path, images=picture())
    assert {d.against for d in exact.differences} == {"the model"}
    rounding(monkeypatch, 1e-3)
    found = export.verify(model, path, images=picture())
    assert found.passed
    assert {d.against for d in found.differences} == {"the model in float64"}
    assert found.max_error < 5e-6  # against float64, not against the answer that is off
    assert model.dtype_policy.name == "float32"
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}


def test_a_wrong_artefact_fails_against_float64_too(tmp_path, monkeypatch):
    path = write(grouped(), tmp_path, "onnx")
    other = grouped()
    kernel = other.layers[1].get_weights()
    kernel[0][1, 1, 0, 0] += 1e-3
    other.layers[1].set_weights(kernel)
    with pytest.raises(VerificationError, match="does not compute what the model computes"):
        export.verify(other, path, images=picture())
