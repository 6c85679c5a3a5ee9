"""The float64 reference: every stock layer of Keras, ours, and honesty about the rest."""

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import reference
import tensorflow as tf
from keras import layers
from stock_layers import HAVE_NONE, NETS, NO_NETS

from keras_upsample import layers as ours
from keras_upsample.export._reference import Reference
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of

ALMOST = 1e-12


def exact(model: Any, **feeds: np.ndarray) -> dict[str, np.ndarray] | None:
    case: Any = SimpleNamespace(feeds=feeds)
    return Reference(program_of(model, signature_of(model))).exact(case)


def assert_exact(found: Any, wanted: np.ndarray, of_range: float = ALMOST) -> None:
    assert found is not None, "there is no answer in float64"
    (value,) = found.values()
    assert value.dtype == np.float64 and value.shape == wanted.shape
    assert np.abs(value - wanted).max() <= of_range * (np.ptp(wanted) or np.abs(wanted).max())


def inputs_of(shapes: Any, dtype: str) -> list[Any]:
    if shapes == "int32":
        return [keras.Input((9,), 2, "int32", name="x0")]
    shapes = shapes if isinstance(shapes[0], tuple) else (shapes,)
    return [keras.Input(shape, 2, dtype, name=f"x{k}") for k, shape in enumerate(shapes)]


def net(shapes: Any, make: Any, dtype: str = "float32") -> Any:
    keras.utils.set_random_seed(4)
    xs = inputs_of(shapes, dtype)
    layer = make()
    if isinstance(layer, layers.MultiHeadAttention | layers.GroupQueryAttention):
        return keras.Model(xs, layer(xs[0], xs[1]))
    return keras.Model(xs, layer(xs if len(xs) > 1 else xs[0]))


def in_float64(shapes: Any, make: Any, weights: Any) -> Any:
    """The same net, built under a policy of float64."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        model = net(shapes, make, "float64")
    finally:
        keras.config.set_dtype_policy(before)
    model.set_weights([np.asarray(weight, "float64") for weight in weights])
    return model


def filled(model: Any) -> dict[str, np.ndarray]:
    """Weights that no initialiser gives, and what the net is fed with."""
    rng = np.random.default_rng(8)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            signs = 1 if "variance" in weight.path else rng.choice([-1, 1], weight.shape)
            weight.assign(rng.uniform(0.2, 0.9, weight.shape) * signs)
    return {
        x.name: rng.integers(0, 11, x.shape).astype("int32")
        if x.dtype == "int32"
        else rng.normal(size=x.shape).astype("float32")
        for x in model.inputs
    }


def test_every_layer_of_keras_is_here() -> None:
    made = {type(make()) for _, make in NETS.values()}
    names = {name for name in dir(layers) if isinstance(getattr(layers, name), type)}
    left = {name for name in names if getattr(layers, name) not in made} - NO_NETS
    assert not {name for name in left if not name.startswith("Random")}


@pytest.mark.parametrize(
    "name", [n for n in NETS if not n.startswith(("Resizing", "UpSampling2D"))]
)
def test_stock_layers(name: str) -> None:
    """Against the layer under a policy of float64, where it has kernels for that."""
    shapes, make = NETS[name]
    model = net(shapes, make)
    feeds = filled(model)
    weights = [np.asarray(weight) for weight in model.weights]
    found = exact(model, **feeds)
    if name in HAVE_NONE:
        assert found is None
        return
    double = in_float64(shapes, make, weights)
    as_doubles = [x.astype("float64") if x.dtype == "float32" else x for x in feeds.values()]
    try:
        wanted = np.asarray(double(as_doubles, training=False))
    except (tf.errors.OpError, TypeError, ValueError):  # no kernel
        wanted = IN_NUMPY[name.split(",")[0]](as_doubles[0], model.layers[-1])
    assert_exact(found, wanted)
    for before, after in zip(weights, model.weights, strict=True):
        np.testing.assert_array_equal(before, np.asarray(after))


# Without a kernel in float64


def transposed(x: np.ndarray, layer: Any) -> np.ndarray:
    """Stride 1: every element is spread over the dilated kernel (k, ..., out, in)."""
    kernel = np.asarray(layer.kernel, "float64")
    rank, rate = x.ndim - 2, layer.dilation_rate[0]
    reach = [(k - 1) * rate for k in kernel.shape[:rank]]
    sizes = x.shape[1:-1]
    y = np.zeros((len(x), *(n + r for n, r in zip(sizes, reach, strict=True)), kernel.shape[-2]))
    for taps in np.ndindex(*kernel.shape[:rank]):
        place = [slice(rate * t, rate * t + n) for t, n in zip(taps, sizes, strict=True)]
        y[(slice(None), *place)] += x @ kernel[taps].T
    if layer.padding == "same":
        crops = [slice(r // 2, r // 2 + n) for r, n in zip(reach, sizes, strict=True)]
        y = y[(slice(None), *crops)]
    return y + np.asarray(layer.bias, "float64")


def windows(x: np.ndarray, bounds: Any, of: Any) -> np.ndarray:
    """Of the elements between bounds, one list of pairs an axis."""
    y = np.zeros((len(x), *map(len, bounds), x.shape[-1]))
    for place in np.ndindex(*map(len, bounds)):
        part = [slice(*pairs[k]) for pairs, k in zip(bounds, place, strict=True)]
        y[(slice(None), *place)] = of(x[(slice(None), *part)], axis=(1, 2, 3))
    return y


def pooled(x: np.ndarray, layer: Any) -> np.ndarray:
    """Windows that reach over the border hold what is inside; "same" puts an odd one at the end."""
    bounds = []
    for n, size, stride in zip(x.shape[1:-1], layer.pool_size, layer.strides, strict=True):
        same = layer.padding == "same"
        count = -(-n // stride) if same else (n - size) // stride + 1
        before = max((count - 1) * stride + size - n, 0) // 2
        starts = [k * stride - before for k in range(count)]
        bounds.append([(max(s, 0), min(s + size, n)) for s in starts])
    return windows(x, bounds, np.max if isinstance(layer, layers.MaxPooling3D) else np.mean)


def adapted(x: np.ndarray, layer: Any) -> np.ndarray:
    """Window k of m reaches from floor(k n / m) to ceil((k + 1) n / m)."""
    bounds = [
        [(k * n // m, -(-(k + 1) * n // m)) for k in range(m)]
        for n, m in zip(x.shape[1:-1], layer.output_size, strict=True)
    ]
    largest = isinstance(layer, layers.AdaptiveMaxPooling3D)
    return windows(x, bounds, np.max if largest else np.mean)


IN_NUMPY = {
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), transposed),
    **dict.fromkeys(("MaxPooling3D", "AveragePooling3D"), pooled),
    **dict.fromkeys(("AdaptiveMaxPooling3D", "AdaptiveAveragePooling3D"), adapted),
}


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "rate"), [((2, 3), 3), ((4, 1), 2)])
def test_dilated_transposed_convolution(kernel: Any, rate: int, padding: str) -> None:
    options = {"dilation_rate": rate, "padding": padding}
    model = net((5, 6, 3), lambda: layers.Conv2DTranspose(2, kernel, **options))
    feeds = filled(model)
    wanted = transposed(feeds["x0"].astype("float64"), model.layers[-1])
    assert_exact(exact(model, **feeds), wanted)


# Resizes


@pytest.mark.parametrize("size", [(14, 9), (3, 11), (1, 1), (7, 6)])
def test_bilinear_resizing(size: Any) -> None:
    model = net((7, 6, 3), lambda: layers.Resizing(*size))
    feeds = filled(model)
    assert_exact(exact(model, **feeds), reference.resize(feeds["x0"], "bilinear", size))


def test_bilinear_upsampling() -> None:
    model = net((7, 6, 3), lambda: layers.UpSampling2D((3, 2), interpolation="bilinear"))
    feeds = filled(model)
    assert_exact(exact(model, **feeds), reference.resize(feeds["x0"], "bilinear", (21, 12)))


@pytest.mark.parametrize("method", ["bicubic", "lanczos3", "area", "antialiased"])
def test_other_resizes(method: str) -> None:
    """The operator's own weights, which it answers to unit vectors, and sums in float64."""
    size, options = (4, 11), {"method": method}
    if method == "antialiased":
        options = {"method": "bilinear", "antialias": True}
    x = keras.Input((7, 6, 3), 2, name="x")
    model = keras.Model(x, layers.Lambda(lambda y: tf.image.resize(y, size, **options))(x))
    image = np.random.default_rng(3).normal(size=(2, 7, 6, 3)).astype("float32")
    units = (np.eye(n, dtype="float32")[:, :, None, None] for n in (7, 6))
    tall, wide = (
        np.asarray(tf.image.resize(unit, (n, 1), **options))[:, :, 0, 0].astype("float64")
        for unit, n in zip(units, size, strict=True)
    )  # (n_in, n_out)
    wanted = np.einsum("ia,jb,nijc->nabc", tall, wide, image.astype("float64"))
    assert_exact(exact(model, x=image), wanted)


# Layers that keep the precision of what comes in


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("axes", [(1, 2, 3), (3,)])
def test_a_normalization_right_behind_the_input(axes: Any, nested: bool) -> None:
    """Far from zero, where float32 is 1e-4 off."""
    x = keras.Input((33, 21, 4), 2, name="x")
    layer = layers.LayerNormalization(axis=list(axes), epsilon=2.0**-10)
    if axes == (1, 2, 3):
        layer = layers.GroupNormalization(1, epsilon=2.0**-10)
    inner = keras.Sequential([layer]) if nested else layer
    model = keras.Model(x, inner(x))
    image = (np.random.default_rng(3).normal(size=(2, 33, 21, 4)) + 300).astype("float32")
    double = image.astype("float64")
    centred = double - double.mean(axes, keepdims=True)
    wanted = centred / np.sqrt(double.var(axes, keepdims=True) + 2.0**-10)
    assert_exact(exact(model, x=image), wanted, of_range=1e-11)
    assert np.abs(np.asarray(model(image)) - wanted).max() > 1e-6
    assert layer.autocast is False and "_convert_inputs_to_tensors" not in vars(model)


# Ours


def test_dysample() -> None:
    model = net((5, 7, 8), lambda: ours.DySample2D(2, groups=2))
    feeds = filled(model)
    layer, x = model.layers[-1], feeds["x0"].astype("float64")
    kernel, bias = (np.asarray(w, "float64") for w in (layer.offset_kernel, layer.offset_bias))
    offsets = (x @ kernel[0, 0] + bias) / 4
    assert_exact(exact(model, **feeds), reference.point_sample(x, offsets, 2, 2))


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("name", ["Bilinear", "Bicubic", "Lanczos"])
def test_our_resizes(name: str, scale: int) -> None:
    model = net((5, 7, 3), lambda: getattr(ours, f"{name}UpSampling2D")(scale))
    feeds = filled(model)
    wanted = reference.resize(feeds["x0"], name.lower(), (5 * scale, 7 * scale))
    assert_exact(exact(model, **feeds), wanted)


@pytest.mark.parametrize("scale", [2, 3])
def test_our_transposed_convolution(scale: int) -> None:
    model = net((5, 7, 3), lambda: ours.TransposedConv2D(scale, 4))
    feeds = filled(model)
    layer = model.layers[-1]
    found = exact(model, **feeds)
    wanted = in_float64((5, 7, 3), lambda: ours.TransposedConv2D(scale, 4), layer.get_weights())
    assert_exact(found, np.asarray(wanted(feeds["x0"].astype("float64"))))


# What has none


class InSmall(layers.Layer):
    """Computes in float32 and says float64."""

    def call(self, x: Any) -> Any:
        small = keras.ops.cast(x, "float32") / 3.0
        return keras.ops.cast(small, self.compute_dtype)


class Loops(layers.Layer):
    """The same inside of a loop."""

    def call(self, x: Any) -> Any:
        def body(k: Any, y: Any) -> Any:
            return k + 1, keras.ops.cast(keras.ops.cast(y, "float32") * 0.3, y.dtype)

        return keras.ops.while_loop(lambda k, y: k < 3, body, (0, x))[1]


class Constant(layers.Layer):
    """A factor that is rounded once more."""

    def call(self, x: Any) -> Any:
        return x * keras.ops.cast(tf.sqrt(tf.constant([0.3])), x.dtype)


class ByTensorFlow(layers.Layer):
    def call(self, x: Any) -> Any:
        return x * tf.constant(0.3)


@pytest.mark.parametrize("layer", [InSmall, Loops, Constant, ByTensorFlow])
def test_none_where_float32_is_left(layer: Any) -> None:
    x = keras.Input((4, 5, 3), 1, name="x")
    model = keras.Model(x, layer()(x))
    assert exact(model, x=np.ones((1, 4, 5, 3), "float32")) is None


def test_sizes_in_float32_and_class_maps_are_no_rounding() -> None:
    class Sizes(layers.Layer):
        def call(self, x: Any) -> Any:
            half = tf.cast(tf.cast(tf.shape(x)[1], tf.float32) / 2.0, tf.int32)
            return x[:, :half] / 3.0

    x = keras.Input((8, 5, 3), 1, name="x")
    y = Sizes()(x)
    model = keras.Model(x, [y, layers.Lambda(lambda y: tf.argmax(y, -1, tf.int32))(y)])
    image = np.random.default_rng(0).random((1, 8, 5, 3), "float32")
    found = exact(model, x=image)
    assert found is not None
    scores, classes = found.values()
    np.testing.assert_allclose(scores, image[:, :4].astype("float64") / 3, rtol=1e-15)
    np.testing.assert_array_equal(classes, image[:, :4].argmax(-1))
