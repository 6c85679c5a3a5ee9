"""Every technique, exported, in every runtime and device that is here, against the oracle.

Not against Keras: the oracle is plain-loop NumPy in float64. A place that is absent is skipped with
its reason; the terminal summary names the places that ran.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import reference
from compare import assert_close
from places import PLACES

import keras_upsample as ku
from keras_upsample import layers
from keras_upsample.data import photograph

Oracle = Callable[[np.ndarray, Any], np.ndarray]
SHAPE = (11, 14)


def image(channels: int) -> np.ndarray:
    """A piece of a real photograph; further channels are other pieces of it."""
    picture = photograph("coffee").astype("float32") / 255
    pieces = [picture[60 + 9 * k :, 130 + 11 * k :][: SHAPE[0], : SHAPE[1]] for k in range(4)]
    return np.concatenate(pieces, axis=-1)[None, ..., :channels]


def resized(interpolation: str, size: tuple[int, int], *more: Any) -> Oracle:
    return lambda x, layer: reference.resize(x, interpolation, size, *more)


def transposed(stride: int, padding: int, output_padding: int) -> Oracle:
    def oracle(x: np.ndarray, layer: Any) -> np.ndarray:
        kernel, bias = (np.asarray(w, np.float64) for w in layer.get_weights())
        return reference.torch_transposed_conv(x, kernel, stride, padding, output_padding, bias)

    return oracle


def biased(layer: Any) -> Any:
    """A bias that is not zero, so that losing it shows."""
    layer.build((None, None, None, 3))
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, np.linspace(-1, 1, bias.size, dtype="float32")])
    return layer


def torch_layer(*geometry: int) -> Any:
    keras.utils.set_random_seed(3)
    return biased(layers.TransposedConv2D.from_torch_geometry(5, *geometry))


TWICE, ODD = (22, 28), (23, 17)

# name -> (channels, layer, oracle)
TECHNIQUES: dict[str, tuple[int, Callable[[], Any], Oracle]] = {
    "nearest": (3, lambda: layers.NearestUpSampling2D(2), resized("nearest", TWICE)),
    "nearest 3x1": (3, lambda: layers.NearestUpSampling2D((3, 1)), resized("nearest", (33, 14))),
    "bilinear": (3, lambda: layers.BilinearUpSampling2D(2), resized("bilinear", TWICE)),
    "bilinear x3": (3, lambda: layers.BilinearUpSampling2D(3), resized("bilinear", (33, 42))),
    "bilinear align_corners": (
        3,
        lambda: layers.BilinearUpSampling2D(2, coordinates="align_corners"),
        resized("bilinear", TWICE, "align_corners"),
    ),
    "bilinear asymmetric": (
        3,
        lambda: layers.BilinearUpSampling2D(2, coordinates="asymmetric"),
        resized("bilinear", TWICE, "asymmetric"),
    ),
    "bilinear to 23x17": (
        3,
        lambda: layers.BilinearUpSampling2D(size=ODD),
        resized("bilinear", ODD),
    ),
    "bicubic": (3, lambda: layers.BicubicUpSampling2D(2), resized("bicubic", TWICE)),
    "bicubic x3": (3, lambda: layers.BicubicUpSampling2D(3), resized("bicubic", (33, 42))),
    "bicubic of PyTorch": (
        3,
        lambda: layers.BicubicUpSampling2D(2, coefficient=-0.75, border="clamp"),
        resized("bicubic", TWICE, "half_pixel", -0.75, "clamp"),
    ),
    "shuffle dcr": (
        12,
        lambda: layers.PixelShuffle2D(2),
        lambda x, _: reference.pixel_shuffle(x, 2),
    ),
    "shuffle crd": (
        12,
        lambda: layers.PixelShuffle2D(2, order="crd"),
        lambda x, _: reference.pixel_shuffle(x, 2, "crd"),
    ),
    "transposed 2/2": (3, lambda: torch_layer(2, 2, 0, 0), transposed(2, 0, 0)),
    "transposed 4/2": (3, lambda: torch_layer(4, 2, 1, 0), transposed(2, 1, 0)),
    "transposed 3/2": (3, lambda: torch_layer(3, 2, 1, 1), transposed(2, 1, 1)),
    "transposed 16/8": (3, lambda: torch_layer(16, 8, 4, 0), transposed(8, 4, 0)),
    "transposed 5/2": (3, lambda: torch_layer(5, 2, 2, 1), transposed(2, 2, 1)),
}


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], tuple[Path, Any]]:
    """The exported file of a technique in a format, made once, and the layer in it."""
    made: dict[tuple[str, str], tuple[Path, Any]] = {}
    folder = tmp_path_factory.mktemp("parity")

    def make(technique: str, form: str) -> tuple[Path, Any]:
        key = technique, form
        if key not in made:
            channels, build, _ = TECHNIQUES[technique]
            layer = build()
            inputs = keras.Input((None, None, channels), name="image")
            model = keras.Model(inputs, layer(inputs))
            path = folder / f"{len(made)}.{form}"
            if form == "saved_model":
                ku.export.to_saved_model(model, path)
            elif form == "tflite":
                ku.export.to_tflite(model, path, input_shape=(*SHAPE, channels))
            else:
                ku.export.to_onnx(model, path)
            made[key] = path, layer
        return made[key]

    return make


@pytest.mark.parametrize("technique", TECHNIQUES)
@pytest.mark.parametrize("place", PLACES)
def test_parity(place: str, technique: str, artefact, record_property) -> None:
    record_property("place", place)
    form, run, absent = PLACES[place]
    if reason := absent():
        pytest.skip(reason)
    path, layer = artefact(technique, form)
    channels, _, oracle = TECHNIQUES[technique]
    x = image(channels)
    assert_close(run(path, x), oracle(x.astype(np.float64), layer), of_range=5e-5)
