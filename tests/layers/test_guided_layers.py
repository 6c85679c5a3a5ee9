"""The layers that choose their kernels by content: what they compute from their weights."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close

from keras_upsample import layers
from keras_upsample.ops._lacking import NAMES, lacking

pytestmark = pytest.mark.backend_neutral


def noise(shape: tuple[int, ...], seed: int = 71) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def randomized(layer: keras.layers.Layer, shape: object) -> list[np.ndarray]:
    """Weights far from where training starts; returns them in float64."""
    layer.build(shape)
    rng = np.random.default_rng(72)
    layer.set_weights([rng.uniform(-0.8, 0.8, w.shape).astype("float32") for w in layer.weights])
    return [np.asarray(w, "float64") for w in layer.get_weights()]


@pytest.mark.parametrize(("scale", "size", "encoder"), [(2, 5, 3), (3, 3, 1), (1, 3, 3)])
def test_carafe(scale: int, size: int, encoder: int) -> None:
    x = noise((2, 4, 5, 3))
    layer = layers.CARAFE2D(scale, size, encoder_kernel=encoder, compressed=4)
    weights = randomized(layer, x.shape)
    assert_close(layer(x), reference.carafe_layer(x, *weights, scale), of_range=3e-6)


def test_carafe_starts_close_to_the_mean_and_keeps_constants_inside() -> None:
    x = noise((1, 6, 7, 2))
    uniform = np.full((1, 12, 14, 25), 1 / 25)
    assert_close(layers.CARAFE2D()(x), reference.carafe(x, uniform), of_range=1e-2)
    layer = layers.CARAFE2D(2, 3)
    randomized(layer, (1, 6, 7, 2))
    y = as_numpy(layer(np.full((1, 6, 7, 2), 3, "float32")))[0]
    np.testing.assert_allclose(y[:, 2:-2, 2:-2], 3, rtol=1e-6)
    # Zeros outside keep their weight, be it small.
    assert y[:, 0].max() <= 3 * (1 + 1e-6)
    assert y[:, 0].mean() < 2.9


def dysample_offsets(x: np.ndarray, weights: list[np.ndarray], s: int, g: int, style: str):
    """The offsets (N, H, W, [axis, a, b, group]) from the layer's weights."""
    n, h, w, _ = x.shape

    def linear(kernel: np.ndarray, bias: np.ndarray | float = 0.0) -> np.ndarray:
        if style == "lp":
            return x @ kernel[0, 0] + bias
        at_pixel = reference.pixel_shuffle(x, s, "crd") @ kernel[0, 0] + bias  # (N, sH, sW, 2g)
        moves = np.zeros((n, h, w, 2, s, s, g))
        for p, q in np.ndindex(s * h, s * w):
            moves[:, p // s, q // s, :, p % s, q % s] = at_pixel[:, p, q].reshape(n, 2, g)
        return moves.reshape(n, h, w, -1)

    moves = linear(weights[0], weights[1])
    if len(weights) == 2:
        return moves / 4
    return moves * reference.sigmoid(linear(weights[2])) / 2


@pytest.mark.parametrize("scope", [False, True])
@pytest.mark.parametrize(
    ("style", "scale", "groups"), [("lp", 2, 2), ("lp", 3, 1), ("pl", 2, 4), ("pl", 2, 1)]
)
def test_dysample(style: str, scale: int, groups: int, scope: bool) -> None:
    x = noise((2, 3, 5, 8))
    layer = layers.DySample2D(scale, groups, style=style, dynamic_scope=scope)
    weights = randomized(layer, x.shape)
    offsets = dysample_offsets(x.astype("float64"), weights, scale, groups, style)
    assert np.abs(offsets).max() > 0.3
    assert_close(layer(x), reference.point_sample(x, offsets, scale, groups), of_range=5e-6)


def test_dysample_starts_close_to_bilinear_and_keeps_constants() -> None:
    x = noise((1, 5, 6, 8))
    for options in ({}, {"style": "pl"}, {"dynamic_scope": True}):
        layer = layers.DySample2D(2, 2, **options)
        expected = reference.resize(x, "bilinear", (10, 12))
        assert_close(layer(x), expected, of_range=1e-2)
        moving = layers.DySample2D(2, 2, **options)
        randomized(moving, x.shape)
        y = moving(np.full(x.shape, 0.7, "float32"))
        assert_close(y, np.full((1, 10, 12, 8), 0.7))


@pytest.mark.parametrize("learnable", [False, True])
def test_joint_bilateral(learnable: bool) -> None:
    x, guide = noise((2, 4, 5, 3)), noise((2, 8, 10, 2), 73)
    options = {"spatial_sigma": 0.8, "range_sigma": 0.6}
    layer = layers.JointBilateralUpSampling2D(2, 2, learnable=learnable, **options)
    expected = reference.joint_bilateral(x, guide.astype("float64"), 2, 2, 0.8, 0.6)
    assert_close(layer([x, guide]), expected, of_range=1e-5)
    assert len(layer.trainable_weights) == 2 * learnable
    if learnable:
        layer.set_weights([np.log(np.float32(1.5)), np.log(np.float32(0.3))])
        expected = reference.joint_bilateral(x, guide.astype("float64"), 2, 2, 1.5, 0.3)
        assert_close(layer([x, guide]), expected, of_range=1e-5)


@pytest.mark.parametrize("similarity", ["inner", "bilinear", "gated"])
@pytest.mark.parametrize(("scale", "size"), [(2, 5), (3, 3), (1, 3)])
def test_sapa(similarity: str, scale: int, size: int) -> None:
    x = noise((2, 3, 5, 4))
    guide = noise((2, 3 * scale, 5 * scale, 4 if similarity == "inner" else 3), 73)
    layer = layers.SAPA2D(scale, size, similarity=similarity, embedding=6)
    weights = randomized(layer, [x.shape, guide.shape])
    expected = reference.sapa(x.astype("float64"), guide.astype("float64"), size, *weights)
    assert_close(layer([x, guide]), expected, of_range=5e-6)


def test_sapa_starts_close_to_the_mean_and_follows_an_edge_of_the_guide() -> None:
    x, guide = noise((1, 6, 7, 3)), noise((1, 12, 14, 2), 73)
    uniform = np.full((1, 12, 14, 25), 1 / 25)
    assert_close(layers.SAPA2D()([x, guide]), reference.carafe(x, uniform), of_range=2e-2)
    # Of two values, each pixel takes the one that is like its guide, wherever that changes.
    x = np.zeros((1, 6, 6, 2), "float32")
    x[:, :, :3, 0], x[:, :, 3:, 1] = 1, 1
    guide = np.zeros((1, 12, 12, 2), "float32")
    guide[:, :, :5, 0], guide[:, :, 5:, 1] = 1, 1
    layer = layers.SAPA2D(2, 3, similarity="inner")
    layer.build([x.shape, guide.shape])
    layer.set_weights([np.full_like(w, 5) if w.any() else w for w in layer.get_weights()])
    y = as_numpy(layer([x, guide]))[0][0, 4]
    np.testing.assert_allclose(y[2:10, 0], [1] * 3 + [0] * 5, atol=1e-6)


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("lite", [False, True])
@pytest.mark.parametrize(("scale", "size", "channels"), [(2, 5, 3), (3, 3, 4), (1, 3, 3)])
def test_fade(scale: int, size: int, channels: int, lite: bool, gated: bool) -> None:
    x, guide = noise((2, 3, 5, 4)), noise((2, 3 * scale, 5 * scale, channels), 73)
    layer = layers.FADE2D(scale, size, lite=lite, gated=gated, embedding=6)
    weights = randomized(layer, [x.shape, guide.shape])
    assert len(weights) == 5 + gated * (2 if channels == 4 else 4)
    wide = x.astype("float64"), guide.astype("float64")
    expected = reference.fade(*wide, size, *weights, gated=gated)
    assert_close(layer([x, guide]), expected, of_range=5e-6)


def test_fade_with_an_open_gate_is_the_guide() -> None:
    x, guide = noise((1, 3, 4, 2)), noise((1, 6, 8, 2), 73)
    layer = layers.FADE2D()
    layer.build([x.shape, guide.shape])
    *others, bias = layer.get_weights()
    layer.set_weights([*others, bias + 40])
    assert_close(layer([x, guide]), guide)


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize(("scale", "size", "groups"), [(2, 5, 2), (3, 3, 1), (1, 3, 4)])
def test_freq_fusion(scale: int, size: int, groups: int, resample: bool) -> None:
    x, guide = noise((2, 4, 5, 4)), noise((2, 4 * scale, 5 * scale, 3), 73)
    options = {"lowpass_kernel": size, "compressed": 16, "resample": resample, "groups": groups}
    layer = layers.FreqFusion2D(scale, **options)
    weights = [0.2 * w for w in randomized(layer, [x.shape, guide.shape])]
    layer.set_weights(weights)
    wide = x.astype("float64"), guide.astype("float64")
    expected = reference.freq_fusion(*wide, groups, *weights)
    if resample:
        still = reference.freq_fusion(*wide, groups, *weights[:8])
        assert np.abs(expected[0] - still[0]).max() > 0.1 * np.ptp(still[0])
        points = layer.points(*map(keras.ops.convert_to_tensor, (x, guide)))
        far = math.ceil(max(np.abs(as_numpy(way)[0]).max() for way in points))
        assert far < 9
        layer.window = ((-far, far), (-far, far))  # for the form without gathers
    for lacks in (frozenset[str](), NAMES):
        with lacking(lacks):
            for y, one in zip(layer([x, guide]), expected, strict=True):
                assert_close(y, one, of_range=1e-5)
    first = layers.FreqFusion2D(scale, **options, data_format="channels_first")
    swapped = [value.transpose(0, 3, 1, 2) for value in (x, guide)]
    first.build([value.shape for value in swapped])
    first.set_weights(weights)
    for y, one in zip(first(swapped), expected, strict=True):
        assert_close(y, one.transpose(0, 3, 1, 2), of_range=1e-5)


def test_freq_fusion_keeps_constants_inside_and_doubles_what_is_high() -> None:
    layer = layers.FreqFusion2D(groups=1)
    x, guide = np.full((1, 9, 9, 1), 3, "float32"), np.full((1, 18, 18, 2), -2, "float32")
    guide[0, 9, 9] = 0
    y, sharp = (as_numpy(value)[0] for value in layer([x, guide]))
    np.testing.assert_allclose(y[:, 5:-5, 5:-5], 3, rtol=1e-5)
    np.testing.assert_allclose(sharp[:, 2:6, 2:6], -2, rtol=1e-5)
    # Hamming's window of 3 has 0.08, 1, 0.08: the middle of nine holds 1/1.16² of the mean.
    np.testing.assert_allclose(sharp[0, 9, 9], 2 * (1 - 1 / 1.16**2), rtol=0.05)


def test_freq_fusion_saves_trains_and_computes_in_half_precision(tmp_path: Path) -> None:
    x, guide = noise((2, 4, 5, 4)), noise((2, 8, 10, 3), 73)
    inputs = [keras.Input((None, None, 4)), keras.Input((None, None, 3))]
    layer = layers.FreqFusion2D(compressed=16, groups=2, name="it")
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.get_layer("it").get_config() == layer.get_config()
    half = layers.FreqFusion2D(compressed=16, groups=2, dtype="mixed_float16")
    half.build([x.shape, guide.shape])
    half.set_weights(layer.get_weights())
    for y, same, less in zip(model([x, guide]), loaded([x, guide]), half([x, guide]), strict=True):
        assert_close(same, as_numpy(y)[0], of_range=1e-6)
        assert_close(less, as_numpy(y)[0], of_range=1e-2, dtype="float16")
    before = model.get_weights()
    model.compile("adam", "mse", jit_compile=False)
    model.fit([x, guide], [noise((2, 8, 10, 4), 74), noise((2, 8, 10, 3), 75)], verbose=0)
    for old, new, weight in zip(before, model.get_weights(), model.weights, strict=True):
        assert np.all(np.isfinite(new)) and not np.array_equal(old, new), weight.path
