"""Models that are not ours, in every shape that Keras allows."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from exporting import FORMATS, assert_same, convolution, distinctive, noise, picture, write
from keras import layers

from keras_upsample.errors import ExportError

formats = pytest.mark.parametrize("kind", FORMATS)
X = noise(1, 12, 8, 3)


def sequential(*stack, shape=(12, 8, 3)):
    return keras.Sequential([keras.Input(shape, name="image"), *stack])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv, self.head = convolution(), layers.Conv2D(2, 1)

    def call(self, image):
        return self.head(keras.ops.relu(self.conv(image)))


class TwoArguments(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = convolution()

    def call(self, left, right):
        return self.conv(left) - 2 * self.conv(right)


@keras.saving.register_keras_serializable("tests")
class Scaled(layers.Layer):
    """A custom layer with a weight and without `get_config`."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="uniform", name="scale")

    def call(self, x):
        return x * self.scale + keras.ops.mean(x, axis=(1, 2), keepdims=True)


def image_input(name="image", **options):
    return keras.Input((12, 8, 3), name=name, **options)


def functional(build):
    x = image_input()
    return keras.Model(x, build(x))


def with_skip(x):
    y = convolution()(x)
    return layers.Add()([y, layers.Concatenate()([x, x[..., :1]])])


def shared(x):
    conv = convolution(3)
    return conv(conv(conv(x)))


def nested(x):
    inner = sequential(convolution(), layers.ReLU(), shape=(None, None, 3))
    return layers.Conv2D(2, 1)(functional_inner()(inner(x)))


def functional_inner():
    x = keras.Input((None, None, 4))
    return keras.Model(x, layers.BatchNormalization()(convolution()(x)), name="inner")


def attention(x):
    tokens = layers.Reshape((96, 3))(x)
    tokens = layers.LayerNormalization()(layers.Dense(8)(tokens))
    tokens = tokens + layers.MultiHeadAttention(2, 4)(tokens, tokens)
    scores = keras.ops.einsum("bnc,bmc->bnm", tokens, tokens)
    return layers.Reshape((12, 8, 8))(keras.ops.softmax(scores / 3.0) @ tokens)


def preprocessing(x):
    normal = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.5, 0.6, 0.7])
    return convolution()(normal(layers.Rescaling(2.0, offset=-1.0)(x)))


def separable(x):
    x = layers.SeparableConv2D(6, 3, padding="same")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2)(layers.ZeroPadding2D(1)(x))
    return layers.Dense(3)(layers.AveragePooling2D(2)(layers.LeakyReLU(0.2)(x)))


GRAPHS = {
    "skip": with_skip,
    "shared": shared,
    "nested": nested,
    "attention": attention,
    "preprocessing": preprocessing,
    "custom": lambda x: Scaled()(convolution()(x)),
    "softmax": lambda x: layers.Softmax()(convolution()(x)),
    "separable": separable,
    "pooled": lambda x: layers.Dense(5)(layers.GlobalAveragePooling2D()(convolution()(x))),
    "groups": lambda x: layers.Conv2D(6, 3, groups=2)(convolution(4)(x)),
    "group norm": lambda x: layers.GroupNormalization(2)(convolution(4)(x)),
    "prelu": lambda x: layers.PReLU(shared_axes=[1, 2], alpha_initializer="uniform")(x),
    "crop": lambda x: layers.Cropping2D(((1, 2), (0, 3)))(convolution()(x)),
}


@formats
@pytest.mark.parametrize("name", GRAPHS)
def test_functional(name, kind, tmp_path):
    model = functional(GRAPHS[name])
    expected = np.asarray(model(X))
    path = write(model, tmp_path, kind)
    assert_same(path, {"image": X}, {model.output_names[0]: expected})


@formats
def test_sequential(kind, tmp_path):
    built = sequential(convolution(), layers.BatchNormalization(name="last"))
    path = write(distinctive(built), tmp_path, kind)
    assert_same(path, {"image": X}, {"last": built(X)})


@formats
def test_sequential_never_built(kind, tmp_path):
    model = keras.Sequential([convolution(), layers.ReLU(name="last")])
    path = write(model, tmp_path, kind, input_shape=(12, 8, 3))
    (name,) = load_inputs(path)
    assert_same(path, {name: X}, {"last": model(X)})


def load_inputs(path):
    from keras_upsample import runtimes

    return [info.name for info in runtimes.load(path).inputs]


@formats
@pytest.mark.parametrize("called", [True, False])
def test_subclassed(called, kind, tmp_path):
    model = Subclassed()
    if called:
        model(noise(2, 12, 8, 3))
    path = write(model, tmp_path, kind, input_shape=(12, 8, 3))
    assert_same(path, {"image": X}, {"output": model(X)})


def test_subclassed_called_says_its_own_shape(tmp_path):
    model = Subclassed()
    model(X)
    assert_same(write(model, tmp_path, "tflite"), {"image": X}, {"output": model(X)})


@formats
def test_call_with_two_arguments(kind, tmp_path):
    model, other = TwoArguments(), noise(1, 12, 8, 3, seed=4)
    expected = model(X, other)
    shapes = {"right": (12, 8, 3), "left": (12, 8, 3)}
    path = write(model, tmp_path, kind, input_shape=shapes)
    assert_same(path, {"left": X, "right": other}, {"output": expected})


def test_shapes_of_two_arguments_must_be_given(tmp_path):
    model = TwoArguments()
    model(X, X)
    with pytest.raises(ValueError, match=r"left, right.*`input_shape` must be a dict"):
        write(model, tmp_path, "onnx")


@formats
@pytest.mark.parametrize("as_dict", [False, True])
def test_several_inputs_and_outputs(as_dict, kind, tmp_path):
    # Names and their order disagree with the alphabet, which some converters sort by.
    right, left = image_input("right"), image_input("left")
    conv = convolution(name="z_score")
    first = layers.Subtract(name="m_gap")([conv(right), left[..., :1]])
    second = layers.GlobalMaxPooling2D(name="a_peak")(layers.Conv2D(2, 1)(left))
    if as_dict:
        model = keras.Model({"right": right, "left": left}, {"gap": first, "peak": second})
    else:
        model = keras.Model([right, left], [first, second])
    feeds = {"right": noise(1, 12, 8, 3, seed=6), "left": noise(1, 12, 8, 3, seed=7)}
    gap, peak = first_two(model(feeds if as_dict else list(feeds.values())))
    path = write(model, tmp_path, kind)
    assert_same(
        path,
        feeds,
        dict(zip(("gap", "peak") if as_dict else model.output_names, (gap, peak), strict=True)),
    )


def first_two(results):
    return (results["gap"], results["peak"]) if isinstance(results, dict) else results


@formats
def test_class_map(kind, tmp_path):
    x = image_input()
    best = layers.Lambda(lambda t: tf.argmax(t, axis=-1))(convolution()(x))
    model = keras.Model(x, best)
    path = write(model, tmp_path, kind)
    assert_same(path, {"image": X}, {model.output_names[0]: model(X)}, dtype="int64")


@formats
def test_integer_image(kind, tmp_path):
    x = image_input(dtype="uint8")
    model = keras.Model(x, convolution()(layers.Rescaling(1 / 255)(x)))
    pixels = np.round(X * 255).astype("uint8")
    path = write(model, tmp_path, kind, images=pixels)
    assert_same(path, {"image": pixels}, {model.output_names[0]: model(pixels)})


@formats
@pytest.mark.parametrize("shape", [(7,), (5, 7), (3, 5, 7, 2)])
def test_inputs_that_are_no_images(shape, kind, tmp_path):
    x = keras.Input(shape, name="features")
    model = keras.Model(x, layers.Dense(3, activation="tanh")(x))
    values = noise(1, *shape) - 0.5
    path = write(model, tmp_path, kind)
    assert_same(path, {"features": values}, {model.output_names[0]: model(values)})


@formats
def test_embedding_of_tokens(kind, tmp_path):
    x = keras.Input((6,), name="tokens", dtype="int32")
    model = keras.Model(x, layers.Dense(3)(layers.Embedding(9, 4)(x)))
    tokens = np.array([[0, 8, 3, 3, 1, 7]], "int32")
    path = write(model, tmp_path, kind)
    assert_same(path, {"tokens": tokens}, {model.output_names[0]: model(tokens)})


@formats
@pytest.mark.parametrize(
    "policy",
    [
        "mixed_float16",
        "bfloat16",
        pytest.param("mixed_bfloat16", marks=pytest.mark.slow),
        pytest.param("float16", marks=pytest.mark.slow),
    ],
)
def test_half_precision(policy, kind, tmp_path):
    def net(dtype):
        x = image_input(dtype="float32")
        y = layers.BatchNormalization(dtype=dtype)(convolution(dtype=dtype)(x))
        y = layers.UpSampling2D(2, interpolation="bilinear", dtype=dtype)(y)
        return keras.Model(x, layers.Conv2DTranspose(2, 2, 2, dtype=dtype, name="end")(y))

    half, single = net(policy), net("float32")
    single.set_weights(half.get_weights())
    path = write(half, tmp_path, kind)
    # float32 arithmetic on the same weights, not half-precision arithmetic
    assert_same(path, {"image": X}, {"end": single(X)})


@formats
def test_lookup_table(kind, tmp_path):
    x = keras.Input((4,), name="codes", dtype="int32")
    indices = layers.IntegerLookup(vocabulary=[10, 20, 30])(x)
    model = keras.Model(x, layers.Embedding(4, 3)(indices))
    if kind == "saved_model":
        codes = np.array([[20, 10, 99, 30]], "int32")
        path = write(model, tmp_path, kind)
        assert_same(path, {"codes": codes}, {model.output_names[0]: model(codes)})
    else:
        with pytest.raises(ExportError):
            write(model, tmp_path, kind)
        assert not list(tmp_path.iterdir())


def state(model):
    flat = model._flatten_layers()
    return (
        [np.asarray(w).tobytes() for w in model.weights],
        [(layer.name, layer.dtype_policy.name, "call" in vars(layer)) for layer in flat],
    )


@pytest.mark.parametrize("fails", [False, True])
@formats
def test_the_model_is_left_as_it_was(fails, kind, tmp_path, monkeypatch):
    model = sequential(
        convolution(dtype="mixed_float16"),
        layers.UpSampling2D(2, dtype="mixed_float16"),
        layers.Conv2D(6, 3, groups=2),
        layers.BatchNormalization(dtype="mixed_bfloat16"),
    )
    before, prediction = state(model), model.predict(X, verbose=0)
    if fails:

        def broken(*args, **options):
            raise RuntimeError("planted")

        monkeypatch.setattr(tf.saved_model, "save", broken)
        monkeypatch.setattr("tf2onnx.convert.from_function", broken)
        with pytest.raises(RuntimeError, match=r"planted"):
            write(model, tmp_path, kind)
    else:
        write(model, tmp_path, kind)
    assert state(model) == before
    np.testing.assert_array_equal(model.predict(X, verbose=0), prediction)


def test_a_trained_model_trains_on(tmp_path):
    model = sequential(convolution(), layers.BatchNormalization(), layers.Dropout(0.5))
    model.compile("sgd", "mse")
    target = noise(1, 12, 8, 4)
    model.fit(X, target, verbose=0)
    write(model, tmp_path, "onnx", images=picture())
    before = np.asarray(model.layers[0].kernel)
    model.fit(X, target, verbose=0)
    assert not np.array_equal(np.asarray(model.layers[0].kernel), before)
