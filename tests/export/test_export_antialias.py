"""Antialiased downscaling in every format, at known and at open sizes."""

import keras
import numpy as np
import pytest
import reference
from exporting import FORMATS, assert_same, noise, picture, write

from keras_upsample import layers, runtimes

LAYERS = {
    "bilinear": layers.BilinearUpSampling2D,
    "bicubic": layers.BicubicUpSampling2D,
    "lanczos": layers.LanczosUpSampling2D,
}
TO = (5, 9)


def model_of(shape: tuple, data_format: str = "channels_last") -> keras.Model:
    x = keras.Input(shape, name="image")
    options = {"size": TO, "antialias": True, "data_format": data_format}
    return keras.Model(x, {name: layer(**options)(x) for name, layer in LAYERS.items()})


def expected(x: np.ndarray) -> dict[str, np.ndarray]:
    return {name: reference.resize(x, name, TO, antialias=True) for name in LAYERS}


@pytest.mark.parametrize("size", ["static", "open"])
@pytest.mark.parametrize("kind", FORMATS)
def test_downscaling(kind, size, tmp_path):
    shapes = [(1, 11, 13, 3)]
    if size == "open" and kind == "tflite":
        pytest.skip("TFLite files have one size")
    if size == "open":
        shapes += [(2, 4, 30, 3), (1, 17, 9, 3), (1, 1, 1, 3)]
    known = (11, 13, 3) if size == "static" else (None, None, 3)
    runner = runtimes.load(write(model_of(known), tmp_path, kind, images=picture(11, 13)))
    for shape in shapes:
        x = noise(*shape)
        assert_same(runner, {"image": x}, expected(x))


def test_downscaling_channels_first(tmp_path):
    model = model_of((3, 11, 13), "channels_first")
    x = noise(2, 11, 13, 3)
    wanted = {name: y.transpose(0, 3, 1, 2) for name, y in expected(x).items()}
    for kind in ("saved_model", "onnx"):
        path = write(model, tmp_path, kind, images=picture(11, 13))
        assert_same(path, {"image": x.transpose(0, 3, 1, 2)}, wanted)


def test_downscaling_in_eight_bits(tmp_path):
    x = keras.Input((12, 16, 3), name="image")
    y = keras.layers.Conv2D(4, 3, padding="same", name="conv")(x)
    model = keras.Model(x, {"out": LAYERS["bilinear"](size=(6, 8), antialias=True)(y)})
    path = write(model, tmp_path, "tflite", precision="int8", images=[noise(12, 16, 3)])
    feeds = {"image": noise(1, 12, 16, 3)}
    assert_same(path, feeds, {"out": model(feeds["image"])["out"]}, of_range=0.02)
