"""FPN: the pyramid by hand, the branches to stride 4, parameters."""

import keras
import numpy as np
import pytest
import reference

from keras_upsample import zoo


def outputs_of(model, *names):
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


@pytest.fixture
def small(small_encoder):
    return zoo.fpn(classes=3, pyramid_width=5, head_width=6)


def test_the_pyramid_adds_up_what_is_coarser(small, images):
    laterals = [f"decoder_c{level}_lateral" for level in (2, 3, 4, 5)]
    probe = outputs_of(small, *laterals, "decoder_c2_add", "decoder_c4_add")
    c2, c3, c4, c5, finest, fourth = (np.asarray(x) for x in probe(images(64, 96)))
    assert c5.shape == (2, 2, 3, 5) and c2.shape == (2, 16, 24, 5)

    def times(x, factor):
        return x.repeat(factor, axis=1).repeat(factor, axis=2)

    assert np.ptp(c5) > 0.01
    np.testing.assert_allclose(fourth, c4 + times(c5, 2), atol=1e-5)
    np.testing.assert_allclose(finest, c2 + times(c3, 2) + times(c4, 4) + times(c5, 8), atol=1e-5)


def test_each_level_takes_the_steps_of_the_figure(small):
    steps = {
        level: [
            layer.name.removeprefix(f"decoder_p{level}_")
            for layer in small.layers
            if layer.name.startswith(f"decoder_p{level}_step")
        ]
        for level in (2, 3, 4, 5)
    }
    parts = ("conv", "gn", "relu", "upsample")
    for level in (3, 4, 5):
        wanted = [f"step{i}_{part}" for i in range(1, level - 1) for part in parts]
        assert steps[level] == wanted
    assert steps[2] == ["step1_conv", "step1_gn", "step1_relu"]


def test_the_sum_and_the_bilinear_enlargement(small, images):
    branches = [f"decoder_p{level}_step{level - 2}_upsample" for level in (5, 4, 3)]
    probe = outputs_of(small, *branches, "decoder_p2_step1_relu", "decoder_sum", "head_conv")
    image = images(40, 33)
    *parts, total, scores = (np.asarray(x) for x in probe(image))
    assert total.shape == (2, 16, 16, 6) and np.ptp(total) > 0.1
    np.testing.assert_allclose(total, np.sum(parts, axis=0), atol=1e-5)
    expected = reference.resize(scores, "bilinear", (64, 64))[:, :40, :33]
    np.testing.assert_allclose(small(image), expected, atol=1e-5 * np.abs(expected).max())


def test_a_step_is_normalized_in_groups(small, images):
    probe = outputs_of(small, "decoder_p2_step1_conv", "decoder_p2_step1_gn")
    x, y = (np.asarray(tensor, "float64") for tensor in probe(images(32, 32)))
    groups = small.get_layer("decoder_p2_step1_gn").groups
    assert groups == 2  # what 32 and 6 have in common
    split = x.reshape(*x.shape[:3], groups, -1)
    mean = split.mean(axis=(1, 2, 4), keepdims=True)
    variance = split.var(axis=(1, 2, 4), keepdims=True)
    expected = ((split - mean) / np.sqrt(variance + 1e-3)).reshape(x.shape)
    np.testing.assert_allclose(y, expected, atol=1e-4)


@pytest.mark.slow
def test_parameters_counted_from_the_figure():
    model = zoo.fpn(classes=2)
    encoder = 23_587_712  # keras.applications.ResNet50 without its top
    laterals = sum((channels + 1) * 256 for channels in (256, 512, 1024, 2048))
    pyramid = 4 * (9 * 256 + 1) * 256
    first, further = 9 * 256 * 128 + 2 * 128, 9 * 128 * 128 + 2 * 128
    head = 4 * first + 3 * further + (128 + 1) * 2
    assert model.count_params() == encoder + laterals + pyramid + head == 28_556_162
    groups = {x.groups for x in model.layers if isinstance(x, keras.layers.GroupNormalization)}
    assert groups == {32}


def test_the_encoder_is_the_applications(images, tmp_path):
    application = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    application.save_weights(tmp_path / "encoder.weights.h5")
    model = zoo.fpn(
        encoder="mobilenet_v2",
        encoder_weights=tmp_path / "encoder.weights.h5",
        pyramid_width=4,
        head_width=4,
    )
    image = images(64, 32)
    deepest = model.get_layer("decoder_c5_lateral").input
    ours = keras.Model(model.input, deepest)(image)
    body = keras.Model(application.input, application.get_layer("block_16_project_BN").output)
    theirs = np.asarray(body(image * 2 - 1))
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"encoder": None}, "`encoder` must be one of .*'vgg16'.*Received: None"),
        ({"upsample": "nearset"}, "`upsample` must be one of.*Did you mean 'nearest'"),
        ({"head_upsample": "linear"}, "`head_upsample` must be one of.*Did you mean 'bilinear'"),
        ({"pyramid_width": 0}, "`pyramid_width` must be an integer of at least 1"),
        ({"head_width": 1.5}, "`head_width` must be an integer"),
        ({"encoder_weights": "nowhere.h5"}, "there is no file 'nowhere.h5'"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.fpn(**arguments)
