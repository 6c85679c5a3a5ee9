"""The operation counter against counts made by hand."""

import keras
import pytest

from keras_upsample import zoo


def _model(shape, *layers):
    x = image = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(image, x)


CASES = [
    # 4x4 pixels, 16 channels out, each 3x3x8 products; padding counts as data.
    ("convolution", (4, 4, 8), keras.layers.Conv2D, (16, 3), {"padding": "same"}, 4 * 4 * 16 * 72),
    ("valid convolution", (5, 4, 8), keras.layers.Conv2D, (16, 3), {}, 3 * 2 * 16 * 72),
    ("strided", (8, 8, 2), keras.layers.Conv2D, (3, 3, 2), {"padding": "same"}, 4 * 4 * 3 * 18),
    ("dilated", (8, 8, 2), keras.layers.Conv2D, (3, 3), {"dilation_rate": 2}, 4 * 4 * 3 * 18),
    (
        "dilated, padded",
        (5, 7, 2),
        keras.layers.Conv2D,
        (3, 3),
        {"dilation_rate": 3, "padding": "same"},
        5 * 7 * 3 * 18,
    ),
    (
        "dilated by channel",
        (5, 7, 2),
        keras.layers.DepthwiseConv2D,
        (3,),
        {"dilation_rate": 3, "padding": "same"},
        5 * 7 * 2 * 9,
    ),
    ("grouped", (4, 4, 8), keras.layers.Conv2D, (16, 3), {"groups": 4}, 2 * 2 * 16 * 9 * 2),
    ("depthwise", (4, 4, 8), keras.layers.DepthwiseConv2D, (3,), {}, 2 * 2 * 8 * 9),
    (
        "depthwise, two a channel",
        (4, 4, 8),
        keras.layers.DepthwiseConv2D,
        (3,),
        {"depth_multiplier": 2},
        2 * 2 * 16 * 9,
    ),
    # Every one of 3x5x8 inputs meets every tap of 16 outputs.
    ("transposed", (3, 5, 8), keras.layers.Conv2DTranspose, (16, 4, 2), {}, 3 * 5 * 8 * 16 * 16),
    ("dense", (12,), keras.layers.Dense, (7,), {}, 12 * 7),
    ("dense on pixels", (2, 3, 12), keras.layers.Dense, (7,), {}, 2 * 3 * 12 * 7),
    ("einsum", (3, 12), keras.layers.EinsumDense, ("abc,cd->abd", (None, 7)), {}, 3 * 12 * 7),
    ("einsum, ellipsis", (3, 12), keras.layers.EinsumDense, ("...c,cd->...d", 7), {}, 3 * 12 * 7),
    ("interpolation", (4, 4, 8), keras.layers.UpSampling2D, (2,), {}, 0),
]


@pytest.mark.parametrize(
    "shape, layer, args, kwargs, count", [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_counts_by_hand(shape, layer, args, kwargs, count):
    assert zoo.multiply_adds(_model(shape, layer(*args, **kwargs))) == count


def test_layers_add_up_and_the_size_can_be_given():
    model = _model(
        (None, None, 2),
        keras.layers.Conv2D(4, 3, padding="same"),
        keras.layers.SeparableConv2D(6, 3, padding="same"),
    )
    assert zoo.multiply_adds(model, (8, 10, 2)) == 80 * (4 * 18 + 4 * 9 + 4 * 6)


def test_attention_counts_both_products():
    layer = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    tokens = keras.Input((5, 8))
    model = keras.Model(tokens, layer(tokens, tokens))
    projections = 4 * 5 * 8 * 8
    assert zoo.multiply_adds(model) == projections + 2 * (2 * 5 * 5 * 4)


def test_a_unet_counted_from_its_figure():
    model = zoo.unet((8, 12, 3), classes=5, filters=(4, 6))
    fine, coarse = 8 * 12, 4 * 6
    encoder = fine * 9 * (3 * 4 + 4 * 4) + coarse * 9 * (4 * 6 + 6 * 6)
    up = coarse * 6 * 4 * (2 * 2)
    decoder = fine * 9 * (8 * 4 + 4 * 4)
    assert zoo.multiply_adds(model) == encoder + up + decoder + fine * 4 * 5


@pytest.mark.parametrize("upsample", ["bicubic", "lanczos", "area"])
def test_resizing_counts_nothing_in_whatever_form(upsample):
    counts = {
        name: zoo.multiply_adds(zoo.unet((8, 12, 3), filters=(4, 6), upsample=name))
        for name in ("nearest", upsample)
    }
    assert counts[upsample] == counts["nearest"]


def test_functions_inside_the_graph_are_counted():
    import tensorflow as tf

    class Inner(keras.layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 7))

        @tf.function
        def product(self, x):
            return tf.matmul(x, self.kernel)

        def call(self, x):
            return self.product(x)

    assert zoo.multiply_adds(_model((12,), Inner())) == 12 * 7


def test_unknown_size_and_several_inputs_are_refused():
    with pytest.raises(ValueError, match="`input_shape` must be static"):
        zoo.multiply_adds(_model((None, None, 2), keras.layers.Conv2D(4, 3)))
    first, second = keras.Input((2,)), keras.Input((2,))
    with pytest.raises(ValueError, match="must have one input"):
        zoo.multiply_adds(keras.Model([first, second], keras.layers.Add()([first, second])))
