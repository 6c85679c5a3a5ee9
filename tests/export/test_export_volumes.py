"""Networks on volumes and sequences of images, their sizes open."""

import keras
import numpy as np
import pytest
from exporting import assert_same, distinctive, noise, write
from keras import layers

from keras_upsample import export, runtimes


def unet_3d(size):
    x = keras.Input((*size, 1), name="volume")
    a = layers.Conv3D(4, 3, padding="same", activation="relu")(x)
    y = layers.Conv3D(6, 3, padding="same")(layers.MaxPooling3D(2)(a))
    up = layers.Conv3DTranspose(4, 2, strides=2)(y)
    y = layers.Concatenate()([up, layers.UpSampling3D(2)(y), a])
    return distinctive(keras.Model(x, layers.Conv3D(2, 1, name="out")(y)))


def frames(size):
    x = keras.Input((None, *size, 3), name="volume")
    y = layers.TimeDistributed(layers.Conv2D(4, 3, strides=2, padding="same"))(x)
    y = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True)(y)
    y = layers.TimeDistributed(layers.Conv2DTranspose(2, 2, strides=2))(y)
    return distinctive(keras.Model(x, layers.Activation("relu", name="out")(y)))


@pytest.mark.parametrize("kind", ["saved_model", "onnx"])
def test_open_volumes(kind, tmp_path):
    model = unet_3d((None, None, None))
    runner = runtimes.load(write(model, tmp_path, kind, images=[noise(12, 10, 14, 1)]))
    for shape in [(1, 8, 6, 4, 1), (2, 4, 10, 14, 1)]:
        x = noise(*shape)
        assert_same(runner, {"volume": x}, {"out": model(x)})


@pytest.mark.parametrize("kind", ["saved_model", "onnx"])
def test_an_open_number_of_frames(kind, tmp_path):
    model = frames((8, 6))
    runner = runtimes.load(write(model, tmp_path, kind, images=[noise(5, 8, 6, 3)]))
    for batch, count in [(1, 3), (2, 7)]:
        x = noise(batch, count, 8, 6, 3)
        assert_same(runner, {"volume": x}, {"out": model(x)})


def test_volumes_calibrate_eight_bits(tmp_path):
    model = unet_3d((8, 8, 8))
    volumes = [noise(8, 8, 8, 1, seed=n) for n in range(9)]
    options = {"precision": "int8", "representative_data": volumes, "images": volumes}
    report = export.to_onnx(model, tmp_path / "m.onnx", **options)
    assert report.verifications[0].passed
    x = volumes[0][None]
    (found,) = runtimes.load(tmp_path / "m.onnx")({"volume": x}).values()
    wanted = np.asarray(model(x))
    assert 10 * np.log10(wanted.var() / np.mean((found - wanted) ** 2)) > 25


def test_volumes_are_for_networks_on_volumes(tmp_path):
    x = keras.Input((8, 8, 1), name="image")
    model = keras.Model(x, layers.Conv2D(2, 1)(x))
    with pytest.raises(ValueError, match=r"`images` must hold .*\(8, 8, 1\).*\(2, 4, 8, 8, 1\)"):
        write(model, tmp_path, "onnx", images=[noise(2, 4, 8, 8, 1)])
    assert not list(tmp_path.iterdir())
