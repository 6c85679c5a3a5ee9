"""Layers of lines (N, L, C) and volumes (N, D, H, W, C): values and what holds of every layer."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close

from keras_upsample import layers, ops

pytestmark = pytest.mark.backend_neutral

BACKEND = keras.backend.backend()
COORDINATES = ("half_pixel", "align_corners", "asymmetric")
SHAPES = {1: [(2, 7, 3), (1, 1, 2), (3, 12, 1)], 3: [(2, 3, 4, 5, 2), (1, 1, 3, 1, 1)]}
TARGETS = {
    1: [{"scale": 2}, {"scale": 3}, {"scale": 1}, {"size": 5}, {"size": (18,)}],
    3: [
        {"scale": 2},
        {"scale": (3, 1, 2)},
        {"size": (5, 7, 2)},
        {"size": 4},
        {"size": (2, 4, 5)},
    ],
}
FUNCTIONS = {1: ops.resize1d, 3: ops.resize3d}
RESIZES = {
    "nearest1": layers.NearestUpSampling1D,
    "linear1": layers.LinearUpSampling1D,
    "nearest3": layers.NearestUpSampling3D,
    "linear3": layers.TrilinearUpSampling3D,
}


def noise(shape: tuple[int, ...], seed: int = 81) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def size_of(shape: tuple[int, ...], target: dict) -> tuple[int, ...]:
    lengths = shape[1:-1]
    value = target.get("size", target.get("scale"))
    values = (value,) * len(lengths) if isinstance(value, int) else value
    return values if "size" in target else tuple(np.multiply(lengths, values).tolist())


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("name", RESIZES)
def test_values(name: str, coordinates: str) -> None:
    interpolation, rank = name[:-1], int(name[-1])
    for shape in SHAPES[rank]:
        x = noise(shape)
        for target in TARGETS[rank]:
            size = size_of(shape, target)
            expected = reference.resize_lengths(x, interpolation, size, coordinates)
            layer = RESIZES[name](**target, coordinates=coordinates)
            bound = 0 if interpolation == "nearest" else 2e-6
            assert_close(layer(x), expected, of_range=bound)
            assert layer.compute_output_shape(shape) == expected.shape
            y = FUNCTIONS[rank](
                first(x),
                **target,
                interpolation=interpolation,
                coordinates=coordinates,
                data_format="channels_first",
            )
            assert_close(y, first(expected), of_range=bound)


@pytest.mark.parametrize("name", ["linear1", "linear3"])
def test_antialias(name: str) -> None:
    rank = int(name[-1])
    for shape in SHAPES[rank]:
        x = noise(shape)
        for size in ((3,) * rank, tuple(range(1, rank + 1)), (9,) * rank):
            expected = reference.resize_lengths(x, "linear", size, antialias=True)
            layer = RESIZES[name](size=size, antialias=True)
            assert_close(layer(x), expected, of_range=2e-6)


def test_one_axis_is_that_of_images() -> None:
    x = noise((2, 7, 3))
    for name in ("nearest", "bilinear"):
        image = as_numpy(getattr(ops, f"resize_{name}")(x[:, None], scale=(1, 3)))[0][:, 0]
        interpolation = {"bilinear": "linear"}.get(name, name)
        y = as_numpy(ops.resize1d(x, scale=3, interpolation=interpolation))[0]
        assert np.array_equal(y, image)


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_labels_stay_integers(dtype: str) -> None:
    for rank, layer in ((1, RESIZES["nearest1"]), (3, RESIZES["nearest3"])):
        x = np.arange(2 * 3**rank).reshape(2, *(3,) * rank, 1).astype(dtype)
        expected = reference.resize_lengths(x, "nearest", (6,) * rank)
        y = layer(2)(keras.ops.convert_to_tensor(x, dtype=dtype))
        assert_close(y, expected, of_range=0, dtype=dtype)
        assert layer(2)(keras.Input((*(3,) * rank, 1), dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("name", ["linear1", "linear3"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_rounds_once(name: str, dtype: str) -> None:
    rank = int(name[-1])
    x = keras.ops.cast(keras.ops.convert_to_tensor(noise((1, *(4,) * rank, 2))), dtype)
    exact = keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))
    expected = reference.resize_lengths(exact, "linear", (12,) * rank)
    y = RESIZES[name](3, dtype=dtype)(x)
    half_a_unit = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    assert_close(y, expected, of_range=half_a_unit, dtype=dtype)


LAYERS: dict[str, Callable[..., keras.layers.Layer]] = {
    "nearest1": lambda **k: layers.NearestUpSampling1D(3, coordinates="asymmetric", **k),
    "linear1": lambda **k: layers.LinearUpSampling1D(size=5, antialias=True, **k),
    "transposed1": lambda **k: layers.TransposedConv1D(4, 2, 3, activation="relu", **k),
    "grouped1": lambda **k: layers.TransposedConv1D(8, 2, 4, groups=4, initializer="icnr", **k),
    "nearest3": lambda **k: layers.NearestUpSampling3D((1, 2, 3), **k),
    "linear3": lambda **k: layers.TrilinearUpSampling3D(2, coordinates="align_corners", **k),
    "transposed3": lambda **k: layers.TransposedConv3D(3, (1, 2, 2), initializer="bilinear", **k),
    "dilated3": lambda **k: layers.TransposedConv3D(4, 1, 2, dilation_rate=2, groups=2, **k),
}


def batch(name: str, data_format: str = "channels_last") -> np.ndarray:
    x = noise((2, *(3, 4, 5)[: int(name[-1])], 4), 82)
    return first(x) if data_format == "channels_first" else x


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", LAYERS)
def test_shapes_and_saving(name: str, data_format: str, tmp_path: Path) -> None:
    x = batch(name, data_format)
    layer = LAYERS[name](data_format=data_format, name="it")
    y = as_numpy(layer(x))[0]
    assert tuple(layer.compute_output_shape(x.shape)) == y.shape
    open_lengths = [None] * (x.ndim - 2)
    shape = (4, *open_lengths) if data_format == "channels_first" else (*open_lengths, 4)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs))
    for known, size in zip(model.output_shape, y.shape, strict=True):
        assert known in (None, size)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert loaded.get_layer("it").get_config() == layer.get_config()
    assert_close(loaded(x), y, of_range=1e-6)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        spec = [tf.TensorSpec((None, *shape), "float32")]
        for jit in (False, True):
            run = tf.function(layer.call, input_signature=spec, jit_compile=jit)
            assert_close(run(tf.constant(x)), y, of_range=2e-6)


def test_channels_first_is_channels_last_transposed() -> None:
    for name, make in LAYERS.items():
        last, other = make(), make(data_format="channels_first")
        expected = as_numpy(last(batch(name)))[0]
        other.build(batch(name, "channels_first").shape)
        other.set_weights(last.get_weights())
        assert_close(other(batch(name, "channels_first")), first(expected), of_range=2e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
@pytest.mark.parametrize("name", LAYERS)
def test_half_precision_policies(name: str, policy: str) -> None:
    single, half = LAYERS[name](), LAYERS[name](dtype=policy)
    expected = as_numpy(single(batch(name)))[0]
    half.build(batch(name).shape)
    half.set_weights(single.get_weights())
    y = half(batch(name))
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    bound = 4e-3 if "float16" in policy and "b" not in policy else 3e-2
    assert_close(as_numpy(y)[0].astype("float32"), expected, of_range=bound)


@pytest.mark.parametrize("name", LAYERS)
def test_trains(name: str) -> None:
    """One step, compiled (by XLA, on TensorFlow and JAX), moves every weight."""
    x = batch(name)
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, LAYERS[name]()(keras.layers.Dense(4)(inputs)))
    model.compile("sgd", "mse", jit_compile=BACKEND != "torch")
    before = model.get_weights()
    y = np.random.default_rng(14).uniform(1, 2, as_numpy(model(x))[0].shape).astype("float32")
    model.fit(x, y, epochs=1, verbose=0)
    for old, new, weight in zip(before, model.get_weights(), model.weights, strict=True):
        assert np.all(np.isfinite(new))
        assert not np.array_equal(old, new), weight.path


X1, X3 = np.zeros((1, 4, 1), "float32"), np.zeros((1, 4, 4, 4, 1), "float32")
BAD = [
    (lambda: ops.resize1d(X1), "Exactly one of `scale`"),
    (lambda: ops.resize1d(X1, scale=(2, 2)), "`scale` must be an int. Received 2 values"),
    (lambda: ops.resize3d(X3, size=(2, 2)), "`size` must be an int or three"),
    (lambda: ops.resize3d(X3, scale=0), "`scale` must be an int >= 1"),
    (lambda: ops.resize1d(X3, scale=2), "`x` must have 3 axes .batch, length, channels"),
    (lambda: ops.resize3d(X1, scale=2), "`x` must have 5 axes .batch, depth, height, width"),
    (lambda: ops.resize1d(X1, scale=2, interpolation="cubic"), "`interpolation` must be one of"),
    (lambda: ops.resize1d(X1, size=2, antialias=True), "needs `interpolation='linear'`"),
    (lambda: ops.resize1d(X1.astype("int32"), size=2, interpolation="linear"), "must hold floats"),
    (lambda: layers.NearestUpSampling3D(coordinates="corner"), "`coordinates` must be one of"),
    (lambda: layers.LinearUpSampling1D(2, 3), "Exactly one of `scale`"),
    (
        lambda: layers.TrilinearUpSampling3D(size=2, antialias=True, coordinates="asymmetric"),
        "`coordinates='half_pixel'` alone",
    ),
    (lambda: layers.LinearUpSampling1D()(keras.Input((4, 4, 1))), "ndim=3|must have 3 axes"),
    (lambda: layers.NearestUpSampling3D()(keras.Input((4, 4, 1))), "ndim=5|must have 5 axes"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_arguments(call: Callable, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()
