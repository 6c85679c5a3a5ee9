"""Every way of doubling, by name, in a U-Net: sizes, gradients, saving, what it reads."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_upsample import zoo
from keras_upsample.zoo._upsamplers import GUIDED, UPSAMPLERS

SMALL = (4, 6, 8)  # deepest stride 4


@pytest.mark.parametrize("upsample", UPSAMPLERS)
def test_odd_size_gradients_and_names(upsample, images):
    keras.utils.set_random_seed(4)
    model = zoo.unet(classes=3, upsample=upsample, filters=SMALL)
    image = images(11, 7)
    with tf.GradientTape() as tape:
        logits = model(image, training=True)
        loss = tf.reduce_mean(logits**2)
    assert logits.shape == (2, 11, 7, 3)
    slopes = tape.gradient(loss, model.trainable_variables)
    for variable, slope in zip(model.trainable_variables, slopes, strict=True):
        assert slope is not None, variable.path
        assert np.all(np.isfinite(slope)) and np.any(slope), variable.path
    names = [layer.name for layer in model.layers]
    assert all(name.split("_")[0] in ("encoder", "decoder", "head") for name in names[1:-1])
    assert "decoder_stage1_upsample" in names


# With each fusion in test_zoo_unet.py.
ELSEWHERE = {"transposed_conv", "nearest", "bilinear", "bicubic", "pixel_shuffle"}


@pytest.mark.parametrize("upsample", sorted(set(UPSAMPLERS) - ELSEWHERE))
def test_padding_and_saving_change_nothing(upsample, images, tmp_path):
    model = zoo.unet(classes=3, upsample=upsample, filters=SMALL)
    image = images(11, 7)
    logits = np.asarray(model(image))
    static = zoo.unet((12, 8, 3), classes=3, upsample=upsample, filters=SMALL)
    static.set_weights(model.get_weights())
    by_hand = np.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)))
    expected = np.asarray(static(by_hand))[:, :11, :7]
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(logits, expected, atol=2e-5)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(image), logits)


def test_area_doubles_as_nearest_does(images):
    area, nearest = (zoo.unet(upsample=name, filters=SMALL) for name in ("area", "nearest"))
    nearest.set_weights(area.get_weights())
    image = images(9, 8)
    np.testing.assert_array_equal(area(image), nearest(image))


def test_unpooling_uses_the_places_that_the_encoder_pools(images):
    model = zoo.unet((8, 12, 3), upsample="max_unpooling", filters=SMALL)
    taken = ["encoder_stage1_relu2", "encoder_stage1_pool", "decoder_stage1_upsample_project"]
    outputs = [model.get_layer(name).output for name in [*taken, "decoder_stage1_upsample"]]
    skip, pooled, low, unpooled = keras.Model(model.input, outputs)(images(8, 12))
    blocks = np.asarray(skip).reshape(2, 4, 2, 6, 2, 4).transpose(0, 1, 3, 2, 4, 5)
    filled = np.asarray(unpooled).reshape(2, 4, 2, 6, 2, 4).transpose(0, 1, 3, 2, 4, 5)
    np.testing.assert_allclose(filled.sum(axis=(3, 4)), low, atol=1e-6)
    assert np.count_nonzero(filled) == np.count_nonzero(low)
    picked = np.where(filled != 0, blocks, -1).max(axis=(3, 4))
    np.testing.assert_array_equal(picked, pooled)


def test_dysample_takes_the_groups_that_the_channels_allow():
    model = zoo.unet(upsample="dysample", filters=(4, 6, 9))
    groups = [model.get_layer(f"decoder_stage{stage}_upsample").groups for stage in (2, 1)]
    assert groups == [1, 2]  # 9 and 6 channels: the largest of 1, 2, 4 that divides


@pytest.mark.parametrize("upsample", GUIDED)
def test_unpadded_features_are_no_guide(upsample):
    with pytest.raises(ValueError, match=f"`upsample='{upsample}'` reads.*Pass padding='same'"):
        zoo.unet(upsample=upsample, padding="valid", filters=SMALL)
