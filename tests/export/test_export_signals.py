"""Networks on signals and volumes in files of 8 and 16 bits."""

import keras
import numpy as np
import pytest
from exporting import distinctive
from keras import layers

from keras_upsample import export, runtimes
from keras_upsample.errors import ExportError
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.quantization._lines import put_lines_on_images

STEPS, COUNT = 48, 24


def signals(*shape, seed=0):
    return list(np.random.default_rng(seed).uniform(-2, 2, (COUNT, *shape)).astype("float32"))


def unet(steps=STEPS):
    x = keras.Input((steps, 3), name="signal")
    a = layers.Conv1D(6, 5, padding="same", use_bias=False)(x)
    a = layers.ReLU()(layers.BatchNormalization()(a))
    y = layers.Conv1D(8, 3, padding="same", activation="relu")(layers.MaxPooling1D(2)(a))
    y = layers.Concatenate()([layers.UpSampling1D(2)(y), a])
    return distinctive(keras.Model(x, layers.Conv1D(2, 3, padding="same", name="out")(y)))


def transposed():
    x = keras.Input((STEPS, 2), name="signal")
    y = layers.Conv1D(8, 4, strides=4, padding="same", activation="relu")(x)
    return distinctive(keras.Model(x, layers.Conv1DTranspose(3, 4, strides=4, name="out")(y)))


def volume():
    x = keras.Input((6, 8, 10, 1), name="volume")
    y = layers.Conv3D(6, 3, padding="same", activation="relu")(x)
    y = layers.Conv3DTranspose(4, 2, strides=2)(layers.MaxPooling3D(2)(y))
    return distinctive(keras.Model(x, layers.Conv3D(2, 1, name="out")(y)))


def decibels(model, path, x):
    wanted = np.asarray(model(x), "float64")
    runner = runtimes.load(path)
    (given,) = runner({runner.inputs[0].name: x}).values()
    return 10 * np.log10(wanted.var() / np.mean((given - wanted) ** 2))


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
@pytest.mark.parametrize(
    ("net", "shape"),
    [(unet, (STEPS, 3)), (transposed, (STEPS, 2)), (volume, (6, 8, 10, 1))],
    ids=["unet", "transposed", "volume"],
)
def test_eight_bits(net, shape, kind, tmp_path):
    """Values, on data that neither calibration nor verification saw."""
    model = net()
    report = getattr(export, f"to_{kind}")(
        model, tmp_path / f"m.{kind}", precision="int8", representative_data=signals(*shape)
    )
    assert {s.source for s in report.shown} == {"examples of `representative_data`"}
    assert {(s.purpose, s.count) for s in report.shown} == {
        ("calibration", COUNT),
        ("verification", 8),
    }
    found = [decibels(model, report.path, x[None]) for x in signals(*shape, seed=1)]
    assert np.median(found) > 30  # a few reach beyond the ranges


def test_sixteen_bits(tmp_path):
    model = unet()
    data = signals(STEPS, 3)
    path = tmp_path / "m.tflite"
    export.to_tflite(model, path, precision="int16x8", representative_data=data)
    assert decibels(model, path, data[0][None]) > 40


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_open_lengths(kind, tmp_path):
    """ONNX keeps the length open; a TFLite file needs one."""
    model, data = unet(None), signals(STEPS, 3)
    options = {"precision": "int8", "representative_data": data}
    if kind == "tflite":
        with pytest.raises(ValueError, match=r"`input_shape`"):
            export.to_tflite(model, tmp_path / "m.tflite", **options)
        options["input_shape"] = (STEPS, 3)
    getattr(export, f"to_{kind}")(model, tmp_path / f"m.{kind}", **options)
    for steps in (STEPS,) if kind == "tflite" else (STEPS, 20):
        assert decibels(model, tmp_path / f"m.{kind}", data[0][None, :steps]) > 27


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_no_photographs_for_signals(kind, tmp_path):
    with pytest.raises(ValueError, match=r"`representative_data` is needed.*'signal' \(48, 3\)"):
        getattr(export, f"to_{kind}")(unet(), tmp_path / f"m.{kind}", precision="int8")
    assert not list(tmp_path.iterdir())
    report = export.to_onnx(unet(), tmp_path / "m.onnx")  # of floats: any numbers will do
    (shown,) = report.shown
    assert shown.source == "arrays of random numbers"
    assert [d.case for d in report.verifications[0].differences][:2] == ["random numbers", "noise"]


def test_signals_that_do_not_fit(tmp_path):
    for data, message in (
        (signals(STEPS - 1, 3), r"'signal' takes examples of the shape \(48, 3\).*\(47, 3\)"),
        (signals(STEPS, 2), r"'signal' takes examples of the shape \(48, 3\).*\(48, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            export.to_tflite(
                unet(), tmp_path / "m.tflite", precision="int8", representative_data=data
            )
    assert not list(tmp_path.iterdir())


def test_volumes_by_default(tmp_path):
    report = export.to_onnx(volume(), tmp_path / "m.onnx")
    (shown,) = report.shown
    assert shown.source == "volumes made of photographs of this package"


def test_loops_are_refused_not_crashed_on(tmp_path):
    x = keras.Input((8, 4), name="signal")
    model = keras.Model(x, layers.LSTM(3, return_sequences=True)(x))
    options = {"precision": "int8", "representative_data": signals(8, 4)}
    with pytest.raises(ExportError, match=r"inside of loops.*unroll=True"):
        export.to_tflite(model, tmp_path / "m.tflite", **options)
    assert not list(tmp_path.iterdir())


EQUAL = {
    "strides": lambda x: layers.Conv1D(4, 3, strides=2, padding="same")(x),
    "dilation": lambda x: layers.Conv1D(4, 3, dilation_rate=3)(x),
    "groups": lambda x: layers.Conv1D(4, 3, groups=2, activation="tanh")(x),
    "depthwise": lambda x: layers.DepthwiseConv1D(3, strides=2, depth_multiplier=2)(x),
    "separable": lambda x: layers.SeparableConv1D(5, 3, padding="same")(x),
    "transposed": lambda x: layers.Conv1DTranspose(3, 5, strides=2, padding="same")(x),
    "average": lambda x: layers.AveragePooling1D(3, 2, padding="same")(layers.Conv1D(4, 1)(x)),
    "padding": lambda x: layers.Conv1D(4, 3)(layers.ZeroPadding1D((2, 1))(x)),
    "causal": lambda x: layers.Conv1D(4, 1)(layers.Conv1D(4, 3, padding="causal")(x)),
    "attention": lambda x: layers.Attention()([layers.Conv1D(4, 1)(x), layers.Conv1D(4, 3)(x)]),
    "two readers": lambda x: layers.LayerNormalization()(layers.Conv1D(2, 1)(x)) + x,
    "normalised steps": lambda x: layers.BatchNormalization(axis=1)(layers.Conv1D(4, 1)(x)),
}


@pytest.mark.parametrize("steps", [13, None])
@pytest.mark.parametrize("name", EQUAL)
def test_layers_on_lines_as_layers_on_images(name, steps):
    if steps is None and name == "normalised steps":
        pytest.skip("it needs their number")
    x = keras.Input((steps, 2), name="signal")
    model = distinctive(keras.Model(x, EQUAL[name](x)))
    before = [np.array(w) for w in model.get_weights()]
    program = put_lines_on_images(program_of(model, signature_of(model)))
    assert program.notes[0].layers
    kinds = {type(layer).__name__ for layer in program.model.layers}
    assert kinds & {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"}
    values = np.random.default_rng(4).normal(size=(2, 13, 2)).astype("float32")
    tensors = [keras.ops.convert_to_tensor(values)]
    (found,) = program.signature.call(program.model, tensors).values()
    assert np.allclose(found, model(values), atol=1e-5)
    assert all(map(np.array_equal, before, model.get_weights()))


def test_layers_called_twice_stay():
    x = keras.Input((13, 2), name="signal")
    shared = layers.Conv1D(2, 3, padding="same", name="shared")
    model = distinctive(keras.Model(x, layers.Conv1D(3, 1, name="own")(shared(shared(x)))))
    program = put_lines_on_images(program_of(model, signature_of(model)))
    assert program.notes[0].layers == ("own",)
    values = np.random.default_rng(4).normal(size=(2, 13, 2)).astype("float32")
    tensors = [keras.ops.convert_to_tensor(values)]
    (found,) = program.signature.call(program.model, tensors).values()
    assert np.allclose(found, model(values), atol=1e-5)
