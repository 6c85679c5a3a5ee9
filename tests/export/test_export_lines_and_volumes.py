"""Nearest and linear resizing of lines and volumes, in every format."""

import keras
import numpy as np
import pytest
import reference
from exporting import FORMATS, assert_same, noise, write

from keras_upsample import layers, runtimes

CASES: dict[int, dict] = {
    1: {
        "nearest": (layers.NearestUpSampling1D, "nearest", {"scale": 3}),
        "linear": (layers.LinearUpSampling1D, "linear", {"scale": 2}),
        "corners": (layers.LinearUpSampling1D, "linear", {"coordinates": "align_corners"}),
        "longer": (layers.LinearUpSampling1D, "linear", {"size": 11}),
        "picked": (layers.NearestUpSampling1D, "nearest", {"size": 5}),
        "smoothed": (layers.LinearUpSampling1D, "linear", {"size": 3, "antialias": True}),
    },
    3: {
        "nearest": (layers.NearestUpSampling3D, "nearest", {"scale": (1, 2, 3)}),
        "linear": (layers.TrilinearUpSampling3D, "linear", {"scale": 2}),
        "corners": (layers.TrilinearUpSampling3D, "linear", {"coordinates": "align_corners"}),
        "longer": (layers.TrilinearUpSampling3D, "linear", {"size": (5, 4, 9)}),
        "smoothed": (
            layers.TrilinearUpSampling3D,
            "linear",
            {"size": (2, 6, 3), "antialias": True},
        ),
    },
}
LENGTHS = {1: (7,), 3: (3, 4, 5)}


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rank", CASES)
@pytest.mark.parametrize("kind", FORMATS)
def test_resizes(kind, rank, data_format, tmp_path):
    first = data_format == "channels_first"
    lengths = LENGTHS[rank]
    x = keras.Input((2, *lengths) if first else (*lengths, 2), name="x")
    outputs, values = {}, noise(1, *lengths, 2)
    expected = {}
    for name, (layer, interpolation, options) in CASES[rank].items():
        made = layer(**options, data_format=data_format)
        outputs[name] = made(x)
        scale = made.scale or (1,) * rank
        size = made.size or tuple(n * s for n, s in zip(lengths, scale, strict=True))
        y = reference.resize_lengths(
            values, interpolation, size, made.coordinates, options.get("antialias", False)
        )
        expected[name] = np.moveaxis(y, -1, 1) if first else y
    runner = runtimes.load(write(keras.Model(x, outputs), tmp_path, kind))
    assert_same(runner, {"x": np.moveaxis(values, -1, 1) if first else values}, expected)
