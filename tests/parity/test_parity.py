"""Every technique, exported, in every runtime and device that is here, against the oracle.

Not against Keras: the oracle is plain-loop NumPy in float64. A place that is absent is skipped with
its reason; the terminal summary names the places that ran.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import reference
from compare import assert_close
from places import GPU, PLACES

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


class GuidedBySubpixels:
    """Joint bilateral upsampling of 12 channels, guided by what a shuffle makes of them."""

    def __call__(self, x: Any) -> Any:
        layer = layers.JointBilateralUpSampling2D(2, 1, range_sigma=0.3)
        return layer([x, layers.PixelShuffle2D(2)(x)])

    def oracle(self, x: np.ndarray) -> np.ndarray:
        return reference.joint_bilateral(x, reference.pixel_shuffle(x, 2), 2, 1, 0.5, 0.3)


class Guided:
    """An upsampler of 12 channels by 2, guided by what a shuffle makes of them."""

    def __init__(self, layer: Any, oracle: Callable[..., Any], reach: float = 0.8) -> None:
        layer.build([(None, None, None, 12), (None, None, None, 3)])
        rng = np.random.default_rng(8)
        layer.set_weights([rng.uniform(-reach, reach, w.shape) for w in layer.weights])
        self._layer, self._oracle = layer, oracle

    def __call__(self, x: Any) -> Any:
        y = self._layer([x, layers.PixelShuffle2D(2)(x)])
        return keras.ops.concatenate(y, axis=-1) if isinstance(y, tuple | list) else y

    def oracle(self, x: np.ndarray) -> np.ndarray:
        weights = (np.asarray(w, np.float64) for w in self._layer.get_weights())
        y = self._oracle(x, reference.pixel_shuffle(x, 2), *weights)
        return np.concatenate(y, axis=-1) if isinstance(y, tuple) else y


class PooledAndPutBack:
    """Max pooling, three times the maxima put back where they were, and the indices."""

    def __call__(self, x: Any) -> Any:
        y, indices = layers.MaxPoolingWithIndices2D(2)(x)
        places = layers.NearestUpSampling2D(2)(keras.ops.cast(indices, "float32"))
        places = layers.SkipFusion2D("concat")([places, x])  # of the odd size, and x itself
        return keras.ops.concatenate([layers.MaxUnpooling2D(2)([3 * y, indices, x]), places], -1)

    def oracle(self, x: np.ndarray) -> np.ndarray:
        size = x.shape[1:3]
        y, places = reference.max_pool(x, 2)
        wide = np.zeros(x.shape)
        for i, j in np.ndindex(size[0] // 2 * 2, size[1] // 2 * 2):
            wide[:, i, j] = places[:, i // 2, j // 2]
        return np.concatenate([reference.max_unpool(3 * y, places, 2, size), wide, x], axis=-1)


def moving(layer: Any) -> Any:
    """Weights far from where training starts, so that the content shows."""
    layer.build((None, None, None, 3 if isinstance(layer, layers.CARAFE2D) else 8))
    rng = np.random.default_rng(8)
    layer.set_weights([rng.uniform(-0.8, 0.8, w.shape) for w in layer.weights])
    return layer


def carafe(x: np.ndarray, layer: Any) -> np.ndarray:
    weights = (np.asarray(w, np.float64) for w in layer.get_weights())
    return reference.carafe_layer(x, *weights, layer.scale)


def dysample(x: np.ndarray, layer: Any) -> np.ndarray:
    kernel, bias, scope = (np.asarray(w, np.float64) for w in layer.get_weights())
    offsets = (x @ kernel[0, 0] + bias) * reference.sigmoid(x @ scope[0, 0]) / 2
    return reference.point_sample(x, offsets, layer.scale, layer.groups)


def blurred(x: np.ndarray, layer: Any) -> np.ndarray:
    kernel, bias = (np.asarray(w, np.float64) for w in layer.get_weights())
    y = reference.pixel_shuffle(reference.conv_same(x, kernel, bias), layer.scale)
    return reference.checkerboard_blur(y, layer.scale)


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
    "subpixel blur x2": (3, lambda: biased(layers.SubpixelConv2D(2, 2, blur=True)), blurred),
    "subpixel blur x3": (3, lambda: biased(layers.SubpixelConv2D(2, 3, blur=True)), blurred),
    "lanczos": (3, lambda: layers.LanczosUpSampling2D(2), resized("lanczos", TWICE)),
    "lanczos2 clamp x3": (
        3,
        lambda: layers.LanczosUpSampling2D(3, lobes=2, border="clamp"),
        resized("lanczos", (33, 42), "half_pixel", 0, "clamp", 2),
    ),
    "area": (3, lambda: layers.AreaResize2D(2), resized("area", TWICE)),
    "area to 23x17": (3, lambda: layers.AreaResize2D(size=ODD), resized("area", ODD)),
    "area to 4x7": (3, lambda: layers.AreaResize2D(size=(4, 7)), resized("area", (4, 7))),
    "carafe": (3, lambda: moving(layers.CARAFE2D(2, compressed=4)), carafe),
    "dysample": (8, lambda: moving(layers.DySample2D(2, dynamic_scope=True)), dysample),
    "joint bilateral": (12, GuidedBySubpixels, lambda x, layer: layer.oracle(x)),
    "sapa": (
        12,
        lambda: Guided(
            layers.SAPA2D(2, similarity="gated", embedding=6),
            lambda x, guide, *weights: reference.sapa(x, guide, 5, *weights),
        ),
        lambda x, layer: layer.oracle(x),
    ),
    "fade": (
        12,
        lambda: Guided(
            layers.FADE2D(2, embedding=6),
            lambda x, guide, *weights: reference.fade(x, guide, 5, *weights),
        ),
        lambda x, layer: layer.oracle(x),
    ),
    "fade lite": (
        12,
        lambda: Guided(
            layers.FADE2D(2, 3, lite=True),
            lambda x, guide, *weights: reference.fade(x, guide, 3, *weights),
        ),
        lambda x, layer: layer.oracle(x),
    ),
    "freq fusion": (
        12,
        lambda: Guided(
            layers.FreqFusion2D(2, compressed=8, groups=2),
            lambda x, guide, *weights: reference.freq_fusion(x, guide, 2, *weights),
            0.3,
        ),
        lambda x, layer: layer.oracle(x),
    ),
    "max unpooling": (3, PooledAndPutBack, lambda x, layer: layer.oracle(x)),
    "transposed 2/2": (3, lambda: torch_layer(2, 2, 0, 0), transposed(2, 0, 0)),
    "transposed 4/2": (3, lambda: torch_layer(4, 2, 1, 0), transposed(2, 1, 0)),
    "transposed 3/2": (3, lambda: torch_layer(3, 2, 1, 1), transposed(2, 1, 1)),
    "transposed 16/8": (3, lambda: torch_layer(16, 8, 4, 0), transposed(8, 4, 0)),
    "transposed 5/2": (3, lambda: torch_layer(5, 2, 2, 1), transposed(2, 2, 1)),
}


# In an engine of a GPU the fast suite tries these alone.
QUICK_ON_GPU = {"bilinear align_corners", "dysample"}

# Beside another of their kind; the export of the first at open sizes takes long.
SLOW = {"fade lite", "lanczos2 clamp x3", "subpixel blur x3", "area to 4x7"}


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
            images = [image(channels)[0]]  # the comparison is below; this saves time
            if form == "saved_model":
                ku.export.to_saved_model(model, path, images=images)
            elif form == "tflite":
                shape = (*SHAPE, channels)
                ku.export.to_tflite(model, path, input_shape=shape, images=images)
            elif form == "litert_gpu":
                shape = (*SHAPE, channels)
                report = ku.export.export(model, path, [form], input_shape=shape, images=images)
                assert report.artefacts[0].check.passed, str(report.artefacts[0].check)
                path = Path(report.artefacts[0].path)
            else:
                ku.export.to_onnx(model, path, images=images)
            made[key] = path, layer
        return made[key]

    return make


def cells() -> Iterator[Any]:
    for place in PLACES:
        for technique in TECHNIQUES:
            slow = technique not in QUICK_ON_GPU if place in GPU else technique in SLOW
            marks = [pytest.mark.slow] if slow else []
            yield pytest.param(place, technique, marks=marks, id=f"{place}-{technique}")


@pytest.mark.parametrize("place, technique", cells())
def test_parity(place: str, technique: str, artefact, record_property) -> None:
    record_property("place", place)
    form, run, absent = PLACES[place]
    if reason := absent():
        pytest.skip(reason)
    path, layer = artefact(technique, form)
    channels, _, oracle = TECHNIQUES[technique]
    x = image(channels)
    assert_close(run(path, x), oracle(x.astype(np.float64), layer), of_range=5e-5)
