"""DeepLabv3+: the atrous encoders, ASPP, the decoder's values, parameters."""

import keras
import numpy as np
import pytest
import reference

from keras_upsample import zoo
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._encoders import encode


def outputs_of(model, *names):
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


@pytest.fixture
def small(small_encoder):
    return zoo.deeplab_v3_plus(classes=3, width=6, low_level_width=4)


@pytest.mark.parametrize(
    "encoder, offset",
    # Where a strided convolution stood, "same" padding has its centre one further.
    [("mobilenet_v2", 1), pytest.param("resnet50", 0, marks=pytest.mark.slow)],
)
def test_every_other_pixel_of_the_atrous_features_is_the_strided_encoders(encoder, offset, images):
    image = frame.image_input((None, None, 3))
    plain = keras.Model(image, list(encode(image, encoder, None).values()))
    atrous = keras.Model(image, list(encode(image, encoder, None, atrous=True).values()))
    rng = np.random.default_rng(4)
    for weight in plain.weights:  # away from fresh batch statistics
        if len(weight.shape) == 1:
            weight.assign(weight + rng.uniform(0, 0.3, weight.shape))
    atrous.set_weights(plain.get_weights())
    x = images(96, 64, batch=1)
    *finer, deepest = (np.asarray(y) for y in plain(x))
    *same, dense = (np.asarray(y) for y in atrous(x))
    for a, b in zip(same, finer, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max())
    assert deepest.shape[1:3] == (3, 2) and dense.shape[1:3] == (6, 4)
    picked = dense[:, offset::2, offset::2]
    assert np.ptp(deepest) > 0
    np.testing.assert_allclose(picked, deepest, atol=2e-5 * np.abs(deepest).max())


def test_the_last_stage_of_efficientnet_and_of_vgg16_keep_their_size():
    image = frame.image_input((64, 32, 3))
    for encoder, channels in (("vgg16", 512), ("efficientnet_b0", 320)):
        features = encode(image, encoder, None, atrous=True)
        assert features[32].shape == (None, 4, 2, channels)
        assert features[16].shape[1:3] == (4, 2)


def test_rates_of_the_paper(small):
    rates = {
        layer.name: layer.dilation_rate
        for layer in small.layers
        if isinstance(layer, keras.layers.DepthwiseConv2D)
    }
    assert rates == {
        "decoder_aspp_rate6_depthwise": (6, 6),
        "decoder_aspp_rate12_depthwise": (12, 12),
        "decoder_aspp_rate18_depthwise": (18, 18),
        "decoder_1_depthwise": (1, 1),
        "decoder_2_depthwise": (1, 1),
    }


def test_an_atrous_branch_by_hand(small, images):
    probe = outputs_of(small, "encoder_conv4", "decoder_aspp_rate6_depthwise")
    x, y = (np.asarray(tensor, "float64") for tensor in probe(images(160, 144)))
    kernel = np.asarray(small.get_layer("decoder_aspp_rate6_depthwise").kernel, "float64")
    assert x.shape == (2, 10, 9, 7)
    expected = np.zeros_like(x)
    for i in range(10):
        for j in range(9):
            for a in range(3):
                for b in range(3):
                    row, column = i + 6 * (a - 1), j + 6 * (b - 1)
                    if 0 <= row < 10 and 0 <= column < 9:
                        expected[:, i, j] += x[:, row, column] * kernel[a, b, :, 0]
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_the_join_is_the_convolution_of_all_five_branches(small, images):
    rates = [f"decoder_aspp_rate{rate}_pointwise_relu" for rate in (6, 12, 18)]
    names = ["decoder_aspp_1x1_relu", *rates, "encoder_conv4", "decoder_aspp_image_relu"]
    probe = outputs_of(small, *names, "decoder_aspp_add")
    *branches, features, image, joined = (np.asarray(x) for x in probe(images(64, 40)))
    mean = outputs_of(small, "decoder_aspp_mean")(images(64, 40))
    mean = np.asarray(mean[0] if isinstance(mean, list) else mean)
    np.testing.assert_allclose(mean[:, 0, 0], features.mean(axis=(1, 2)), atol=1e-6)
    spread = np.broadcast_to(image, branches[0].shape)
    together = np.concatenate([*branches, spread], axis=-1)  # as in the paper
    parts = ("branches", "image")
    kernels = [small.get_layer(f"decoder_aspp_project_{part}").kernel for part in parts]
    kernel = np.concatenate([np.asarray(k)[0, 0] for k in kernels])
    assert kernel.shape == (5 * 6, 6)
    np.testing.assert_allclose(joined, together @ kernel, atol=1e-5)


def test_the_enlargements_are_bilinear_in_one_step(small, images):
    names = ("decoder_dropout", "decoder_low_level_relu", "decoder_join", "head_conv")
    image = images(40, 33)
    coarse, low, joined, scores = (np.asarray(x) for x in outputs_of(small, *names)(image))
    assert coarse.shape == (2, 3, 3, 6) and low.shape == (2, 12, 12, 4)
    np.testing.assert_allclose(
        joined[..., :6], reference.resize(coarse, "bilinear", (12, 12)), atol=1e-5
    )
    np.testing.assert_array_equal(joined[..., 6:], low)
    expected = reference.resize(scores, "bilinear", (48, 48))[:, :40, :33]
    np.testing.assert_allclose(small(image), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.slow
def test_parameters_counted_from_the_figure():
    model = zoo.deeplab_v3_plus(classes=2)

    def conv(inside, outside):  # 1x1, with the four numbers of batch normalization
        return (inside + 4) * outside

    def separable(inside, outside):
        return (9 + 4) * inside + conv(inside, outside)

    encoder = 23_587_712  # keras.applications.ResNet50 without its top
    aspp = 2 * conv(2048, 256) + 3 * separable(2048, 256) + conv(5 * 256, 256)
    decoder = conv(256, 48) + separable(304, 256) + separable(256, 256) + 257 * 2
    assert model.count_params() == encoder + aspp + decoder == 26_788_530


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"encoder": "xceptoin"}, "`encoder` must be one of .*Did you mean 'xception'"),
        ({"upsample": "bilnear"}, "`upsample` must be one of.*Did you mean 'bilinear'"),
        ({"width": 0}, "`width` must be an integer of at least 1. Received: 0"),
        ({"low_level_width": "48"}, "`low_level_width` must be an integer"),
        ({"encoder_weights": 7}, "None, 'imagenet' or the path"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.deeplab_v3_plus(**arguments)
