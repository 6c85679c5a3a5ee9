"""Encoders of keras.applications: their names, what they expect, their features."""

import importlib

import keras
import numpy as np
import pytest

from keras_upsample import zoo
from keras_upsample.zoo import _applications as applications
from keras_upsample.zoo._encoder_source import names
from keras_upsample.zoo._skips import skips_of

FILTERS = (2, 3, 4, 5, 6)
# The ends of the stages, read off the library's code.
STAGES = {
    "mobilenet": [f"conv_pw_{i}_relu" for i in (1, 3, 5, 11, 13)],
    "densenet121": ["conv1_relu", "pool2_conv", "pool3_conv", "pool4_conv", "relu"],
    "resnet50_v2": [
        "conv1_conv",
        "conv2_block2_out",
        "conv3_block3_out",
        "conv4_block5_out",
        "post_relu",
    ],
    "efficientnet_v2_b0": [
        "block1a_project_activation",
        "block2b_add",
        "block4a_expand_activation",
        "block6a_expand_activation",
        "block6h_add",
    ],
    "densenet201": ["conv1_relu", "pool2_conv", "pool3_conv", "pool4_conv", "relu"],
    "resnet152_v2": [
        "conv1_conv",
        "conv2_block2_out",
        "conv3_block7_out",
        "conv4_block35_out",
        "post_relu",
    ],
    "efficientnet_v2_s": [
        "block1b_add",
        "block2d_add",
        "block4a_expand_activation",
        "block6a_expand_activation",
        "block6o_add",
    ],
}


def test_every_builder_has_a_name():
    builders = {
        name
        for name in dir(keras.applications)
        if callable(getattr(keras.applications, name)) and name[0].isupper()
    }
    found = applications.names()
    assert set(found.values()) == builders and len(found) == len(builders)
    assert {"efficientnet_v2_b0", "resnet50_v2", "mobilenet_v3_small", "vgg16"} <= set(found)
    for name, builder in found.items():
        assert name.replace("_", "") == builder.lower()
    assert set(names()) == {*found, "resnet18", "resnet34"}


@pytest.mark.parametrize("name", applications.names())
def test_what_they_expect_is_what_the_library_computes(name):
    builder = getattr(keras.applications, applications.names()[name])
    preprocess = importlib.import_module(builder.__module__).preprocess_input
    image = np.random.default_rng(1).random((1, 4, 5, 3))
    theirs = np.asarray(preprocess(image * 255))
    expects = applications.expected(name)
    ours = expects.gain * (image * expects.scale + np.array(expects.offset))
    np.testing.assert_allclose(ours[..., ::-1] if expects.bgr else ours, theirs, atol=1e-4)
    assert expects.bgr is (name.startswith("vgg") or name in ("resnet50", "resnet101", "resnet152"))


def randomised(name, path):
    """An application away from its fresh statistics and scales, saved to `path`."""
    builder = getattr(keras.applications, applications.names()[name])
    model = builder(include_top=False, weights=None, input_shape=(None, None, 3))
    rng = np.random.default_rng(5)
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(weight + rng.uniform(0, 0.3, weight.shape))
    model.save_weights(path)
    preprocess = importlib.import_module(builder.__module__).preprocess_input
    return model, preprocess


def features_of(model):
    return [model.get_layer(skip.layer).output for skip in skips_of(model)]


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_features_are_the_ends_of_the_stages(name, images, tmp_path):
    path = tmp_path / "encoder.weights.h5"
    source, preprocess = randomised(name, path)
    model = zoo.unet(encoder=name, encoder_weights=path, filters=FILTERS)
    image = images(64, 96, batch=1)
    ours = keras.Model(model.input, features_of(model))(image)
    outputs = [source.get_layer(n).output for n in STAGES[name]]
    theirs = keras.Model(source.input, outputs)(preprocess(image * 255))
    assert len(ours) == len(theirs)
    for layer, a, b in zip(STAGES[name], ours, theirs, strict=True):
        assert np.ptp(b) > 0
        np.testing.assert_allclose(a, b, atol=2e-5 * np.abs(b).max(), err_msg=layer)


@pytest.mark.slow
def test_the_deepest_features_of_convnext(images, tmp_path):
    path = tmp_path / "encoder.weights.h5"
    source, preprocess = randomised("convnext_tiny", path)
    model = zoo.unet(encoder="convnext_tiny", encoder_weights=path, filters=FILTERS)
    image = images(64, 96, batch=1)
    *_, ours = keras.Model(model.input, features_of(model))(image)
    theirs = np.asarray(source(preprocess(image * 255)))
    np.testing.assert_allclose(ours, theirs, atol=2e-5 * np.abs(theirs).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["xception", "inception_v3"])
def test_windows_without_padding_are_padded(name, images, tmp_path):
    path = tmp_path / "encoder.weights.h5"
    source, preprocess = randomised(name, path)
    model = zoo.unet(encoder=name, encoder_weights=path, filters=FILTERS)
    finest = features_of(model)[0]
    image = images(64, 96, batch=1)
    ours = np.asarray(keras.Model(model.input, finest)(image))
    layers = [
        layer
        for layer in source.layers
        if isinstance(layer, keras.layers.Activation) and layer.output.shape[-1] == 64
    ]
    theirs = keras.Model(source.input, layers[0].output)(preprocess(image * 255))
    theirs = np.asarray(theirs)
    assert ours.shape[1:3] == (32, 48) and theirs.shape[1:3] == (29, 45)
    # Behind one window of stride 2, which starts where it did, and one of stride 1. At the border
    # Inception's third, which was padded anyway, sees other neighbours.
    np.testing.assert_allclose(
        ours[:, 2:29, 2:45], theirs[:, 1:28, 1:44], atol=2e-5 * np.abs(theirs).max()
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_name_makes_a_unet(name, images):
    model = zoo.unet(encoder=name, filters=FILTERS)
    skips = skips_of(model)
    strides = [skip.stride for skip in skips if skip.stride > 1]
    assert strides == ([4, 8, 16, 32] if name.startswith("convnext") else [2, 4, 8, 16, 32])
    logits = model(images(40, 72, batch=1))
    assert logits.shape == (1, 40, 72, 2) and np.ptp(logits) > 0
    keras.backend.clear_session()


@pytest.mark.slow
def test_other_channels(images):
    for name in ("convnext_tiny", "efficientnet_v2_b0", "mobilenet_v3_small"):
        model = zoo.unet((None, None, 2), encoder=name, filters=FILTERS)
        assert model(images(32, 32, channels=2)).shape == (2, 32, 32, 2)
