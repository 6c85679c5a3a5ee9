"""`Conv2DTranspose`, `UpSampling2D`, resizes and grouped convolutions as Keras brings them.

Many layers share one model and one export: an output each, and the name says which option failed.
"""

from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from exporting import FORMATS, assert_same, noise, picture, write
from keras import layers, ops

from keras_upsample import runtimes

formats = pytest.mark.parametrize("kind", FORMATS)
SIZES = {"static": (6, 5), "open": (None, None)}
sizes = pytest.mark.parametrize("size", SIZES)


def model_of(stack, size, channels=3):
    """One input, one output for each layer or function."""
    x = keras.Input((*SIZES.get(size, size), channels), name="image")
    return keras.Model(x, {name: layer(x) for name, layer in stack.items()})


def check(model, tmp_path, kind, size, channels=3, **options):
    """Exported, it gives what the model gives; where sizes are open, at other sizes too."""
    if size == "open" and kind == "tflite":
        options["input_shape"] = (6, 5, channels)
    path = write(model, tmp_path, kind, images=picture(6, 5), **options)
    shapes = [(1, 6, 5, channels)]
    if size == "open" and kind != "tflite":
        shapes += [(2, 9, 4, channels), (1, 1, 7, channels)]
    runner = runtimes.load(path)
    for shape in shapes:
        x = noise(*shape) - 0.3
        assert_same(runner, {"image": x}, model(x))
    return runner


def transposed(kernels, strides):
    stack = {}
    for kernel, stride, padding in product(kernels, strides, ("same", "valid")):
        for output_padding in (None, *range(stride)):
            stack[f"k{kernel}_s{stride}_{padding}_{output_padding}"] = layers.Conv2DTranspose(
                2,
                kernel,
                stride,
                padding=padding,
                output_padding=output_padding,
                bias_initializer="uniform",
            )
    for kernel, rate, padding in product(kernels, (2, (2, 3)), ("same", "valid")):
        name = f"k{kernel}_d{rate if isinstance(rate, int) else 23}_{padding}"
        stack[name] = layers.Conv2DTranspose(
            2, kernel, dilation_rate=rate, padding=padding, bias_initializer="uniform"
        )
    stack["k23_s32"] = layers.Conv2DTranspose(2, (2, 3), (3, 2), padding="same", activation="tanh")
    return stack


def check_transposed(stack, size, kind, tmp_path):
    """Those of the layers that Keras itself can run at every size used here."""
    able = {name: layer for name, layer in stack.items() if all(_runs(layer, n) for n in (6, 4, 1))}
    assert len(able) > len(stack) / 2
    runner = check(model_of(able, size), tmp_path, kind, size)
    if kind == "onnx":
        found = set(runner.operator_counts())
        assert found <= {"ConvTranspose", "Conv", "Transpose", "Tanh", "Add"}


def _runs(layer, size):
    try:
        layer(noise(1, size, size + 1, 3))
    except Exception:
        return False
    return True


@pytest.mark.parametrize(
    "kind, size",
    [("saved_model", "open"), ("tflite", "static"), ("onnx", "static"), ("onnx", "open")],
)
def test_conv2d_transpose(kind, size, tmp_path):
    check_transposed(transposed((1, 2, 3), (2,)), size, kind, tmp_path)


@pytest.mark.slow
@sizes
@formats
def test_conv2d_transpose_in_every_option(kind, size, tmp_path):
    check_transposed(transposed(range(1, 6), (1, 2, 3)), size, kind, tmp_path)


SCALES = {"x2": 2, "x3": 3, "x23": (2, 3), "x1": 1, "x4": 4}


def upsampling(interpolation, scales=SCALES, **options):
    return {
        name: layers.UpSampling2D(scale, interpolation=interpolation, **options)
        for name, scale in scales.items()
    }


@sizes
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@formats
def test_upsampling(interpolation, kind, size, tmp_path):
    runner = check(model_of(upsampling(interpolation), size), tmp_path, kind, size)
    found = set(runner.operator_counts())
    assert not found & {"Tile", "TILE", "SHAPE", "PACK", "STRIDED_SLICE", "Unsqueeze"}


@pytest.mark.parametrize("interpolation", ["bicubic", "lanczos3", "lanczos5"])
@formats
def test_upsampling_at_a_static_size(interpolation, kind, tmp_path):
    check(model_of(upsampling(interpolation), "static"), tmp_path, kind, "static")


@formats
def test_bicubic_upsampling_by_powers_of_two_at_open_sizes(kind, tmp_path):
    stack = upsampling("bicubic", {"x2": 2, "x4": 4, "x24": (2, 4)})
    check(model_of(stack, "open"), tmp_path, kind, "open")


@pytest.mark.parametrize("interpolation, scale", [("bicubic", 3), ("lanczos3", 2), ("lanczos5", 3)])
def test_upsampling_by_matrices_that_the_graph_computes(interpolation, scale, tmp_path):
    check(model_of(upsampling(interpolation, {"up": scale}), "open"), tmp_path, "onnx", "open")


@pytest.mark.parametrize("kind", ["saved_model", "tflite", "onnx"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_channels_first(interpolation, kind, tmp_path):
    x = keras.Input((3, 6, 5), name="image")
    up = layers.UpSampling2D(2, interpolation=interpolation, data_format="channels_first")
    model = keras.Model(x, up(x))
    path = write(model, tmp_path, kind, images=picture(6, 5))
    image = noise(1, 3, 6, 5)
    last = layers.UpSampling2D(2, interpolation=interpolation, data_format="channels_last")
    expected = np.asarray(last(image.transpose(0, 2, 3, 1))).transpose(0, 3, 1, 2)
    assert_same(path, {"image": image}, {model.output_names[0]: expected})


class Resize(layers.Layer):
    """`keras.ops.image.resize` to a size of its own."""

    def __init__(self, size, interpolation, antialias=False):
        super().__init__()
        self.size, self.interpolation, self.antialias = size, interpolation, antialias

    def call(self, x):
        return ops.image.resize(
            x, self.size, interpolation=self.interpolation, antialias=self.antialias
        )


RESIZES = [
    ("nearest", (12, 10)), ("nearest", (9, 13)), ("nearest", (4, 3)),
    ("bilinear", (12, 10)), ("bilinear", (9, 13)), ("bilinear", (4, 3)),
    ("bicubic", (12, 10)), ("bicubic", (9, 13)), ("bicubic", (24, 20)),
    ("lanczos3", (12, 10)), ("area", (9, 13)),
]  # fmt: skip


@pytest.mark.parametrize("interpolation, to", RESIZES)
def test_resize(interpolation, to, tmp_path):
    layer = layers.Resizing(*to, interpolation=interpolation) if interpolation == "area" else None
    layer = layer or Resize(to, interpolation)
    x = keras.Input((6, 5, 3), name="image")
    model = keras.Model(x, layer(x))
    feeds = {"image": noise(1, 6, 5, 3)}
    for kind in FORMATS:
        path = write(model, tmp_path, kind, images=picture(6, 5))
        assert_same(path, feeds, {model.output_names[0]: model(feeds["image"])})


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_resize_from_an_open_size(interpolation, tmp_path):
    model = model_of({"out": Resize((13, 8), interpolation)}, "open")
    path = write(model, tmp_path, "onnx", images=picture(6, 5))
    for shape in ((1, 6, 5, 3), (2, 26, 4, 3), (1, 7, 31, 3)):
        x = noise(*shape)
        assert_same(path, {"image": x}, model(x))


LEGACY = {
    "nearest_asymmetric": lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, (9, 13)),
    "nearest_corners": lambda x: tf.compat.v1.image.resize_nearest_neighbor(
        x, (12, 10), align_corners=True
    ),
    "bilinear_asymmetric": lambda x: tf.compat.v1.image.resize_bilinear(x, (9, 13)),
    "bilinear_corners": lambda x: tf.compat.v1.image.resize_bilinear(
        x, (12, 11), align_corners=True
    ),
}  # fmt: skip


def test_resizes_of_tensorflow_1(tmp_path):
    stack = {name: layers.Lambda(function) for name, function in LEGACY.items()}
    check(model_of(stack, "static"), tmp_path, "onnx", "static")


@pytest.mark.parametrize("opset", [13, 17])
def test_resizes_in_older_opsets(opset, tmp_path):
    stack = {"near": Resize((13, 8), "nearest"), "line": Resize((13, 8), "bilinear"),
             "up": layers.UpSampling2D(3)}  # fmt: skip
    check(model_of(stack, "open"), tmp_path, "onnx", "open", opset=opset)


@formats
def test_grouped_convolutions(kind, tmp_path):
    stack = {
        "same": layers.Conv2D(6, 3, 2, padding="same", groups=2, bias_initializer="uniform"),
        "valid": layers.Conv2D(4, 2, groups=4, dilation_rate=2, use_bias=False, activation="relu"),
    }
    check(model_of(stack, "static", channels=4), tmp_path, kind, "static", channels=4)


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_floor_division_and_modulo_of_negative_numbers(dtype, tmp_path):
    x = keras.Input((6,), name="x", dtype=dtype)
    quotient = layers.Lambda(lambda t: tf.math.floordiv(t, tf.constant(4, t.dtype)), name="floor")
    rest = layers.Lambda(lambda t: tf.math.floormod(t, tf.constant(4, t.dtype)), name="rest")
    model = keras.Model(x, {"floor": quotient(x), "rest": rest(x)})
    values = np.array([[-9, -8, -1, 0, 3, 7]], dtype)
    path = write(model, tmp_path, "onnx")
    expected = {"floor": [[-3, -2, -1, 0, 0, 1]], "rest": [[3, 0, 3, 0, 3, 3]]}
    assert_same(path, {"x": values}, expected, of_range=0, dtype=dtype)


def test_tf2onnx_itself_divides_negative_integers_wrongly():
    """Why there are handlers for FloorMod and FloorDiv; remove them once this fails."""
    import onnxruntime
    import tf2onnx

    spec = [tf.TensorSpec((2,), "int32", "x")]
    function = tf.function(
        lambda x: (tf.math.floordiv(x, 4), tf.math.floormod(x, 4)), input_signature=spec
    )
    proto, _ = tf2onnx.convert.from_function(function, spec, opset=18)
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    floor, rest = session.run(None, {"x": np.array([-9, 9], "int32")})
    assert (floor.tolist(), rest.tolist()) != ([-3, 2], [3, 1])


def test_constants_behind_a_convolution_are_folded_into_it(tmp_path):
    factor, shift = noise(5, seed=1), noise(5, seed=2)
    x = keras.Input((6, 5, 3), name="image")
    y = layers.Conv2D(5, 2, bias_initializer="uniform")(x)
    model = keras.Model(
        x,
        {
            "less": layers.Conv2D(5, 2)(x) - shift,
            "turned": ops.subtract(shift, layers.Conv2D(5, 2)(x)),
            "both": (layers.Conv2DTranspose(5, 2, 2)(x) + shift) * factor - 0.5,
            "shared": y * factor,
            "raw": y,
        },
    )
    found = check(model, tmp_path, "onnx", "static").operator_counts()
    # "turned" needs its subtraction, and two outputs share one convolution without the factor
    assert (found["Sub"], found["Mul"], found.get("Add", 0)) == (1, 1, 0)


@pytest.mark.parametrize("size", ["static", "open"])
def test_batch_norm_is_folded_into_the_convolutions(size, tmp_path):
    x = keras.Input((*SIZES[size], 3), name="image")
    y = x
    for index, conv in enumerate(
        [
            layers.Conv2D(40, 3, padding="same"),
            layers.Conv2D(40, 3, padding="same", use_bias=False),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.Conv2DTranspose(20, 2, 2),
        ]
    ):
        y = layers.ReLU()(layers.BatchNormalization(name=f"norm{index}")(conv(y)))
    model = keras.Model(x, {"out": y})
    for layer in model.layers:
        if isinstance(layer, layers_with_moments()):
            layer.set_weights([noise(*w.shape, seed=8) + 0.2 for w in layer.get_weights()])
    runner = check(model, tmp_path, "onnx", size)
    found = runner.operator_counts()
    assert set(found) == {"Conv", "ConvTranspose", "Relu", "Transpose"}, found
    assert found["Transpose"] == 2


def layers_with_moments():
    return layers.BatchNormalization


@pytest.mark.parametrize("target", ["onnx", "tflite", "saved_model"])
@pytest.mark.parametrize("size", ["static", "open"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", activation="relu"),
        lambda: layers.DepthwiseConv2D((2, 3), dilation_rate=(1, 2), padding="same"),
        lambda: layers.SeparableConv2D(4, (1, 2), dilation_rate=2, depth_multiplier=2),
    ],
)
def test_dilated_depthwise_convolutions_are_one_operator(layer, size, target, tmp_path):
    x = keras.Input((*SIZES[size], 3), name="image")
    model = keras.Model(x, {"out": layer()(x)})
    for weight in model.weights:
        weight.assign(noise(*weight.shape, seed=4))
    runner = check(model, tmp_path, target, size)
    if target != "saved_model":
        found = set(runner.operator_counts())
        assert found <= {"Conv", "Relu", "Transpose", "DEPTHWISE_CONV_2D", "CONV_2D"}, found
