"""SegNet: parameters of the paper, unpooling by the encoder's positions, VGG16's weights."""

import keras
import numpy as np
import pytest

from keras_upsample import zoo

SMALL = (2, 3, 4, 5, 6)
COUNTS = (2, 2, 3, 3, 3)


def parameters(filters, classes, channels=3):
    """Convolutions with bias, and batch normalization's four numbers, from the paper's figure."""
    total, inside = 0, channels
    for width, count in zip(filters, COUNTS, strict=True):
        for _ in range(count):
            total, inside = total + (9 * inside + 1 + 4) * width, width
    for block in (5, 4, 3, 2, 1):
        width = filters[block - 1]
        after = filters[block - 2] if block > 1 else classes
        for outside in (*[width] * (COUNTS[block - 1] - 1), after):
            total, inside = total + (9 * inside + 1 + 4) * outside, outside
    return total - 4 * classes  # no batch normalization on the scores


def test_parameters_are_those_of_the_paper():
    # 29.46 M; the encoder has VGG16's 14,714,688 and batch normalization.
    assert parameters((64, 128, 256, 512, 512), 2) == 29_460_034
    assert zoo.segnet().count_params() == 29_460_034
    model = zoo.segnet(filters=SMALL, classes=5)
    assert model.count_params() == parameters(SMALL, 5)


def test_channels_of_the_mirror_image():
    model = zoo.segnet((64, 64, 3))
    widths = [
        [model.get_layer(f"decoder_block{block}_conv{i}").filters for i in range(count, low, -1)]
        for block, count, low in zip((5, 4, 3, 2, 1), COUNTS[::-1], (0, 0, 0, 0, 1), strict=True)
    ]
    assert widths == [[512, 512, 512], [512, 512, 256], [256, 256, 128], [128, 64], [64]]
    assert model.get_layer("head_conv").kernel_size == (3, 3)


@pytest.mark.parametrize("block", [1, 3, 5])
def test_values_return_to_where_the_maxima_were(block, images):
    model = zoo.segnet(filters=SMALL)
    last = f"encoder_block{block}_{COUNTS[block - 1]}_relu"
    up = model.get_layer(f"decoder_block{block}_upsample")
    probe = keras.Model(model.input, [model.get_layer(last).output, up.input[0], up.output])
    given, low, high = (np.asarray(x) for x in probe(images(61, 32)))
    assert given.shape == high.shape and np.ptp(low) > 0
    expected = np.zeros_like(given)
    batch, height, width, channels = low.shape
    for n in range(batch):
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    window = given[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
                    a, b = np.unravel_index(window.argmax(), (2, 2))
                    expected[n, 2 * i + a, 2 * j + b, c] = low[n, i, j, c]
    np.testing.assert_array_equal(high, expected)


def test_only_positions_pass_from_encoder_to_decoder():
    model = zoo.segnet((32, 32, 3), filters=SMALL)
    inside = {id(x.output) for x in model.layers if x.name.startswith("encoder_")}
    for layer in model.layers:
        if layer.name.startswith(("decoder_", "head_")):
            taken = layer.input if isinstance(layer.input, list) else [layer.input]
            assert all(id(x) not in inside for x in taken), layer.name
    dtypes = [layer.input[1].dtype for layer in model.layers if "_upsample" in layer.name]
    assert dtypes == ["int32"] * 5


def test_with_interpolation_it_is_the_plain_network(images):
    model = zoo.segnet(filters=SMALL, upsample="bilinear")
    kinds = {type(layer).__name__ for layer in model.layers}
    assert "MaxPooling2D" in kinds and "BilinearUpSampling2D" in kinds
    assert kinds.isdisjoint({"MaxPoolingWithIndices2D", "MaxUnpooling2D", "Add", "Concatenate"})
    # As many weights: interpolation needs no convolution of its own.
    assert model.count_params() == parameters(SMALL, 2)


def test_takes_the_convolutions_of_vgg16(tmp_path):
    application = keras.applications.VGG16(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    path = tmp_path / "vgg16.weights.h5"
    application.save_weights(path)
    model = zoo.segnet((32, 32, 3), encoder_weights=path)
    for block, count in enumerate(COUNTS, start=1):
        for i in range(1, count + 1):
            kernel, bias = application.get_layer(f"block{block}_conv{i}").get_weights()
            if block == i == 1:
                kernel = 64 * kernel[:, :, ::-1]  # RGB, and numbers near 1
            ours = model.get_layer(f"encoder_block{block}_conv{i}").get_weights()
            np.testing.assert_array_equal(ours[0], kernel)
            np.testing.assert_array_equal(ours[1], bias)
    scale = np.asarray(model.get_layer("encoder_preprocessing").scale)
    np.testing.assert_allclose(scale * 64, 255)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"filters": (2, 3)}, "`filters` must have 5 entries, for VGG16's blocks"),
        ({"upsample": "unpooling"}, "Did you mean 'max_unpooling'"),
        ({"encoder_weights": "nowhere.h5"}, "there is no file"),
        ({"encoder_weights": __file__, "filters": SMALL}, "`encoder_weights` are for `filters`"),
        ({"encoder_weights": "imagenet", "input_shape": (8, 8, 1)}, "3 channels.*has 1"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.segnet(**arguments)
