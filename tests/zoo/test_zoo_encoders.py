"""Encoders: the application's numbers, from images in [0, 1]."""

import importlib

import keras
import numpy as np
import pytest

from keras_upsample import zoo
from keras_upsample.errors import FetchError

slow = pytest.mark.slow
# name: (application, module of its preprocess_input)
ENCODERS = {
    "vgg16": ("VGG16", "vgg16"),
    "mobilenet_v2": ("MobileNetV2", "mobilenet_v2"),
    "resnet50": ("ResNet50", "resnet50"),
    "efficientnet_b0": ("EfficientNetB0", "efficientnet"),
}
EACH = ["vgg16", "mobilenet_v2", pytest.param("resnet50", marks=slow)]
EACH += [pytest.param("efficientnet_b0", marks=slow)]
FILTERS = (2, 3, 4, 5, 6)


def reference(name, path):
    """A randomly weighted application, saved to `path`, and its own preprocessing."""
    builder, module = ENCODERS[name]
    model = getattr(keras.applications, builder)(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    rng = np.random.default_rng(5)
    for layer in model.layers:  # away from the means, variances and biases of a fresh net
        if isinstance(layer, keras.layers.BatchNormalization):
            values = layer.get_weights()
            layer.set_weights([v + rng.uniform(0, 0.3, v.shape).astype("float32") for v in values])
    model.save_weights(path)
    preprocess = importlib.import_module(f"keras.applications.{module}").preprocess_input
    return model, preprocess


@pytest.mark.parametrize("name", EACH)
def test_features_are_the_applications(name, images, tmp_path):
    path = str(tmp_path / "encoder.weights.h5")
    application, preprocess = reference(name, path)
    model = zoo.unet(encoder=name, encoder_weights=path, filters=FILTERS)
    # Every encoder layer that a decoder stage joins, and the deepest.
    fused = [layer for layer in model.layers if "fusion" in layer.name]
    taken = [layer.input[1] for layer in fused] + [model.get_layer("decoder_stage5_upsample").input]
    strides, names = [], []
    by_tensor = {id(layer.output): layer.name for layer in model.layers}
    for tensor in taken:
        names.append(by_tensor[id(tensor)].removeprefix("encoder_"))
    assert len(names) == (6 if name == "vgg16" else 5)
    image = images(64, 96, batch=1)
    ours = keras.Model(model.input, taken)(image)
    body = keras.Model(application.input, [application.get_layer(n).output for n in names])
    theirs = body(preprocess(image * 255))
    for layer, a, b in zip(names, ours, theirs, strict=True):
        scale = np.abs(b).max()
        assert scale > 0
        np.testing.assert_allclose(a / scale, b / scale, atol=2e-5, err_msg=layer)
        strides.append(64 // a.shape[1])
    assert sorted(strides) == [1, 2, 4, 8, 16, 32][6 - len(strides) :]
    # The check above would notice a turned image.
    turned = keras.Model(model.input, taken)(image[..., ::-1])
    finest = -2  # stages come deepest first, then the bottom
    assert np.abs(turned[finest] - ours[finest]).max() > 0.01 * np.abs(ours[finest]).max()


@pytest.mark.parametrize("name", EACH)
def test_any_size_is_padded_and_cut_back(name, images):
    model = zoo.unet(encoder=name, filters=FILTERS)
    image = images(33, 30, batch=1)
    by_hand = np.pad(image, ((0, 0), (0, 31), (0, 2), (0, 0)))
    logits = np.asarray(model(image))
    assert logits.shape == (1, 33, 30, 2) and np.ptp(logits) > 0
    expected = np.asarray(model(by_hand))[:, :33, :30]
    np.testing.assert_allclose(logits, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", EACH)
def test_the_encoder_is_part_of_the_model(name, tmp_path, images):
    model = zoo.unet((32, 32, 3), encoder=name, filters=FILTERS)
    names = [layer.name for layer in model.layers]
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert {n.split("_")[0] for n in names} == {"image", "encoder", "decoder", "head", "logits"}
    kinds = {type(layer).__name__ for layer in model.layers}
    assert kinds.isdisjoint({"PadToMultiple2D", "CropLike2D", "Normalization"})
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    image = images(32, 32)
    np.testing.assert_array_equal(loaded(image), model(image))


def test_fcn_takes_the_same_weights(images, tmp_path):
    path = tmp_path / "vgg16.weights.h5"
    application, preprocess = reference("vgg16", path)
    model = zoo.fcn32s(classes=2, fc_width=2, encoder_weights=path)
    image = images(32, 64, batch=1)
    ours = keras.Model(model.input, model.get_layer("encoder_block5_pool").output)(image)
    theirs = np.asarray(application(preprocess(image * 255)))
    scale = np.abs(theirs).max()
    np.testing.assert_allclose(ours / scale, theirs / scale, atol=2e-5)


def test_other_channels_without_weights(images):
    model = zoo.unet((None, None, 1), encoder="mobilenet_v2", filters=FILTERS)
    assert model(images(32, 32, channels=1)).shape == (2, 32, 32, 2)
    assert model.preprocessing == "float32 grey in [0, 1]"
    assert zoo.fcn32s((32, 32, 4), 2, fc_width=2)(images(32, 32, channels=4)).shape[-1] == 2


def test_the_decoder_behind_an_encoder_takes_the_same_options():
    model = zoo.unet(encoder="mobilenet_v2", upsample="bilinear", fusion="scse", filters=FILTERS)
    names = [layer.name for layer in model.layers]
    # Five doublings, four skips: MobileNetV2 has nothing at full resolution.
    assert sum(name.endswith("_upsample") for name in names) == 5
    assert sum(name.endswith("_fusion") for name in names) == 4
    assert model.compute_output_shape((1, 50, 70, 3)) == (1, 50, 70, 2)


def test_a_file_of_another_network_is_refused(tmp_path):
    path = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save_weights(path)
    with pytest.raises(ValueError, match=r"does not fit VGG16.*include_top=False"):
        zoo.unet(encoder="vgg16", encoder_weights=path)
    (tmp_path / "text.h5").write_text("not a weights file")
    with pytest.raises(ValueError, match=r"`encoder_weights`: .*text\.h5.* it is damaged"):
        zoo.fcn8s(fc_width=2, encoder_weights=tmp_path / "text.h5")


def test_a_failed_download_names_the_alternative(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("URL fetch failure")

    monkeypatch.setattr(keras.applications, "MobileNetV2", offline)
    with pytest.raises(FetchError, match=r"could not download.*URL fetch failure.*path of a file"):
        zoo.unet(encoder="mobilenet_v2", encoder_weights="imagenet")


@slow
def test_efficientnets_published_statistics_are_understood(tmp_path):
    # The published file has the standard deviation in the place of the variance.
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    model = keras.applications.EfficientNetB0(include_top=False, weights=None)
    layer = next(x for x in model.layers if isinstance(x, keras.layers.Normalization))
    path = tmp_path / "published.weights.h5"
    untouched = [0.0, 0.0, 0.0], np.ones(3)  # as trained by Keras' own network without weights
    for middle, variance, expected in [
        (mean, std, std),
        (mean, np.square(std), std),
        (mean, [4.0, 4.0, 4.0], [2, 2, 2]),
        (*untouched, [1, 1, 1]),
    ]:
        layer.set_weights([np.array(middle), np.array(variance), np.array(0)])
        model.save_weights(path)
        built = zoo.unet(encoder="efficientnet_b0", encoder_weights=path, filters=FILTERS)
        preprocessing = built.get_layer("encoder_preprocessing")
        np.testing.assert_allclose(preprocessing.scale, 1 / np.array(expected), rtol=1e-5)
        offset = -np.array(middle) / np.array(expected)
        np.testing.assert_allclose(preprocessing.offset, offset, rtol=1e-5)
    built = zoo.unet(encoder="efficientnet_b0", filters=FILTERS)  # which knows no statistics
    preprocessing = built.get_layer("encoder_preprocessing")
    np.testing.assert_allclose(preprocessing.scale, 1 / np.array(std), rtol=1e-5)


def test_the_preprocessing_does_not_depend_on_where_weights_came_from(tmp_path):
    path = tmp_path / "vgg16.weights.h5"
    reference("vgg16", path)
    built = [zoo.fcn32s(fc_width=2, classes=2, encoder_weights=w) for w in (None, path)]
    configs = [m.get_layer("encoder_preprocessing").get_config() for m in built]
    assert configs[0] == configs[1]
    # RGB 0..1 to 64ths of RGB 0..255 minus the mean
    np.testing.assert_allclose(np.array(configs[0]["offset"]) * 64, [-123.68, -116.779, -103.939])
