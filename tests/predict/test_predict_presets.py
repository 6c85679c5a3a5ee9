"""The presets that ship, from their names to pictures."""

import numpy as np
import pytest

from keras_upsample import metrics, zoo
from keras_upsample.data import photograph
from keras_upsample.predict import load_model, predict


@pytest.mark.parametrize("scale", [2, 3])
def test_super_resolution_is_better_than_bicubic(scale: int) -> None:
    from PIL import Image

    truth = photograph("astronaut")[:288, 96:384]
    size = 288 // scale
    small = Image.fromarray(truth).resize((size, size), Image.Resampling.BICUBIC)
    bicubic = np.asarray(small.resize((288, 288), Image.Resampling.BICUBIC))
    model = load_model(f"espcn:photos_x{scale}", stride=1)
    assert (model.scale, model.gives_picture, model.scaling.base) == (scale, True, "full_range")
    whole = predict(model, np.asarray(small)).picture
    tiled = predict(model, np.asarray(small), tile=64, overlap=32).picture

    def psnr(picture: np.ndarray) -> float:
        return metrics.psnr(truth / 255, picture / 255, border=scale, colour="y")

    assert psnr(whole) > psnr(bicubic) + 1
    # 32/4 is as far as its four convolutions see: rounding to bytes is all that may differ
    assert np.abs(whole.astype(int) - tiled).max() <= 1 and (whole != tiled).mean() < 1e-3


@pytest.mark.parametrize("name", ["unet:cells", "unet:nuclei"])
def test_microscopy_brings_its_classes_and_scaling(name: str) -> None:
    preset = zoo.PRESETS[name]
    channels = preset.arguments["input_shape"][-1]
    model = load_model(name)
    assert (model.classes, model.scaling.base) == (preset.classes, "percentiles")
    image = photograph("retina", (90, 70))[..., :channels].astype("uint16") * 16
    result = predict(model, image, probabilities=True)
    np.testing.assert_allclose(result.probabilities.sum(axis=-1), 1, atol=1e-5)
    # 12 of 16 bits or bytes: percentiles make the same of both
    same = predict(model, image // 16, probabilities=True).probabilities
    np.testing.assert_allclose(result.probabilities, same, atol=1e-3)
