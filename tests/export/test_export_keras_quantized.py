"""Models after `model.quantize`: the oracle is NumPy with the integers that Keras stored."""

import keras
import numpy as np
import pytest
from compare import assert_close
from exporting import assert_same, noise, write
from keras import layers

from keras_upsample import export, runtimes
from keras_upsample.errors import ExportError
from keras_upsample.targets import TARGETS

SHAPE = (7, 9, 6)
IMAGES = [noise(*SHAPE, seed=seed) * 2 - 1 for seed in range(9)]
FILES = [
    ("tflite", "float32", 110),
    ("tflite", "float16", 35),
    ("tflite", "dynamic", 35),
    ("tflite", "int8", 33),
    ("tflite", "int16x8", 35),
    ("onnx", "float32", 110),
    ("onnx", "float16", 35),
    ("onnx", "int8", 30),
    ("saved_model", "float32", 120),
]


def net(mode: str | None) -> keras.Model:
    keras.utils.set_random_seed(8)
    image = keras.Input(SHAPE, name="image")
    x = layers.Dense(16, activation="relu", bias_initializer="random_normal", name="one")(image)
    x = layers.UpSampling2D(2)(x)
    x = layers.EinsumDense("bhwc,cd->bhwd", (None, None, 12), bias_axes="d", name="two")(x)
    model = keras.Model(image, layers.Dense(5, name="y")(x))
    if mode:
        model.quantize(mode)
    return model


def by_hand(model: keras.Model, image: np.ndarray) -> np.ndarray:
    """In float64, from the stored integers: x' = round(127 x / max |x|), y = x' K / (scales)."""

    def layer(name: str, x: np.ndarray) -> np.ndarray:
        own = model.get_layer(name)
        scale = 127 / (np.abs(x).max(axis=-1, keepdims=True) + keras.config.epsilon())
        steps = np.clip(np.round(x * scale), -127, 127)
        kernel = np.asarray(own._kernel, "float64")
        return steps @ kernel / (scale * np.asarray(own.kernel_scale, "float64")) + own.bias.numpy()

    x = np.maximum(layer("one", image.astype("float64")), 0)
    return layer("y", layer("two", x.repeat(2, 1).repeat(2, 2)))


def decibels(wanted: np.ndarray, given: np.ndarray) -> float:
    assert given.shape == wanted.shape
    return 10 * np.log10(wanted.var() / max(np.mean((given - wanted) ** 2), 1e-30))


@pytest.mark.parametrize(("kind", "precision", "least"), FILES)
def test_int8(kind: str, precision: str, least: float, tmp_path) -> None:
    model = net("int8")
    before = [np.array(weight) for weight in model.weights]
    options = {} if kind == "saved_model" else {"precision": precision}
    if precision.startswith("int"):
        options["representative_data"] = IMAGES
    path = write(model, tmp_path, kind, images=IMAGES[8:], **options)
    image = IMAGES[8][None]
    (given,) = runtimes.load(path)({"image": image}).values()
    assert decibels(by_hand(model, image), given) > least
    assert all(map(np.array_equal, before, model.weights))
    assert_close(model(image), by_hand(model, image), of_range=1e-6)  # quantised still


@pytest.mark.parametrize("kind", ["tflite", "onnx", "saved_model"])
def test_int4_keeps_the_gate_of_floats(kind: str, tmp_path) -> None:
    model = net("int4")
    path = write(model, tmp_path, kind, images=IMAGES[8:])
    image = IMAGES[7][None]
    assert_same(path, {"image": image}, {"y": model(image)}, of_range=2e-6)


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_float8_is_refused(kind: str, tmp_path) -> None:
    with pytest.raises(ExportError, match=r"layer 'one' .* \"float8\".* before .*SavedModel takes"):
        write(net("float8"), tmp_path, kind, images=IMAGES[8:])
    assert not list(tmp_path.iterdir())


def test_float8_in_a_saved_model(tmp_path) -> None:
    model, image = net("float8"), IMAGES[8][None]
    path = write(model, tmp_path, "saved_model", images=IMAGES[8:])
    assert_same(path, {"image": image}, {"y": model(image)})


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_attention_after_training_in_half_precision(kind: str, tmp_path) -> None:
    with_policy = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    keras.utils.set_random_seed(8)
    x = keras.Input(SHAPE, name="image")
    y = layers.Reshape((-1, SHAPE[-1]))(x)
    y = layers.MultiHeadAttention(2, 5, dtype=with_policy)(y, y)
    model = keras.Model(x, {"y": layers.Dense(4, dtype=with_policy)(y)})
    model.quantize("int8")
    path = write(model, tmp_path, kind, images=IMAGES[8:])
    image = IMAGES[8][None]
    (given,) = runtimes.load(path)({"image": image}).values()
    assert given.dtype == np.float32
    # bfloat16 keeps 8 bits, and the model itself computes in it
    wanted = np.asarray(keras.ops.cast(model(image)["y"], "float32"), "float64")
    assert decibels(wanted, given) > 35


def test_the_gate_is_that_of_8_bits_and_is_told(tmp_path) -> None:
    """In a row of such layers single activations take the next step, by the last bit of a float."""
    keras.utils.set_random_seed(8)
    x = y = keras.Input((None, None, 3), name="image")
    for _ in range(4):
        y = layers.Conv2D(12, 3, padding="same", activation="relu")(y)
        y = layers.Dense(24, activation="gelu")(y)
    model = keras.Model(x, layers.Dense(4, name="y")(y))
    plain = export.to_onnx(model, tmp_path / "plain.onnx")
    assert plain.gate == TARGETS["onnx"].gate
    model.quantize("int8")
    report = export.to_onnx(model, tmp_path / "m.onnx")
    assert (report.gate.min_snr_db, report.gate.max_error) == (30, None)
    assert report.verifications[0].snr_db > 40


def test_other_weights_miss_the_gate(tmp_path) -> None:
    from keras_upsample.errors import VerificationError

    model = net("int8")
    path = write(model, tmp_path, "onnx", images=IMAGES[8:])
    kernel = model.get_layer("two")._kernel
    kernel.assign(np.roll(kernel, 1, 0))
    with pytest.raises(VerificationError, match="at least 30 dB are needed"):
        export.verify(model, path, IMAGES[8:])
