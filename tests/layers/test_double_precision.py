"""Every layer under a float64 policy against the oracle, to 1e-12: nothing inside is float32.

On JAX only where it computes in 64 bits (JAX_ENABLE_X64=1).
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close
from test_guided_layers import dysample_offsets

from keras_upsample import layers

DOUBLE = {"dtype": "float64"}
_kind = keras.ops.convert_to_tensor(np.zeros(1), dtype="float64").dtype
pytestmark = [
    pytest.mark.backend_neutral,
    pytest.mark.skipif(
        keras.backend.standardize_dtype(_kind) != "float64",
        reason="JAX computes in 32 bits unless JAX_ENABLE_X64=1",
    ),
]


def noise(*shape: int, seed: int = 61) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape)


X = noise(2, 6, 5, 4)
SKIP = noise(2, 7, 4, 4, seed=62)
GUIDE = noise(2, 12, 10, 3, seed=63)


def resized(interpolation: str, size: tuple[int, int], **options: Any) -> Callable:
    return lambda x, weights: reference.resize(x, interpolation, size, **options)


def transposed(stride: int, crop: tuple[int, int]) -> Callable:
    return lambda x, w: reference.transposed_conv(x, w[0], (stride,) * 2, (crop, crop), w[1])


def spread(stride: int, dilation: int, groups: int, crop: tuple[int, int]) -> Callable:
    def expected(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
        kernel, bias = weights
        rank = x.ndim - 2
        sizes = ((stride,) * rank, (dilation,) * rank)
        return reference.spread(x, kernel, *sizes, groups, (crop,) * rank, bias)

    return expected


def dysample(style: str) -> Callable:
    def expected(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
        offsets = dysample_offsets(x, weights, 2, 1, style)
        return reference.point_sample(x, offsets, 2, 1)

    return expected


def subpixel(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    y = reference.pixel_shuffle(reference.conv_same(x, *weights), 2, "crd")
    return reference.checkerboard_blur(y, 2)


def cut(d: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The decoder at the skip's size: a row added, a column taken off."""
    result = np.zeros((*x.shape[:3], d.shape[3]))
    result[:, : d.shape[1], :] = d[:, :, : x.shape[2]]
    return result


def fused(mode: str) -> Callable:
    def expected(inputs: list[np.ndarray], weights: list[np.ndarray]) -> np.ndarray:
        decoder, skip = cut(*inputs), inputs[1]
        if mode == "attention":
            squeezed = [w[0, 0] if w.ndim == 4 else w for w in weights]
            return reference.attention_gate(decoder, skip, *squeezed)
        u = np.concatenate([decoder, skip], axis=-1)
        squeezed = [w[0, 0] if w.ndim == 4 else w for w in weights]
        return reference.squeeze_excite(u, *squeezed)

    return expected


U, L = layers.NearestUpSampling2D, layers.BilinearUpSampling2D
C, Z = layers.BicubicUpSampling2D, layers.LanczosUpSampling2D
CASES: dict[str, tuple[Callable, Callable, Sequence[np.ndarray]]] = {
    "nearest": (lambda: U(3, **DOUBLE), resized("nearest", (18, 15)), [X]),
    "bilinear": (lambda: L(3, **DOUBLE), resized("bilinear", (18, 15)), [X]),
    "bilinear_size": (lambda: L(size=(7, 13), **DOUBLE), resized("bilinear", (7, 13)), [X]),
    "bilinear_corners": (
        lambda: L(2, coordinates="align_corners", **DOUBLE),
        resized("bilinear", (12, 10), coordinates="align_corners"),
        [X],
    ),
    "bilinear_antialias": (
        lambda: L(size=(4, 7), antialias=True, **DOUBLE),
        resized("bilinear", (4, 7), antialias=True),
        [X],
    ),
    "bicubic": (lambda: C(2, **DOUBLE), resized("bicubic", (12, 10)), [X]),
    "bicubic_clamp": (
        lambda: C(3, coefficient=-0.75, border="clamp", **DOUBLE),
        resized("bicubic", (18, 15), coefficient=-0.75, border="clamp"),
        [X],
    ),
    "bicubic_antialias": (
        lambda: C(size=(4, 3), antialias=True, **DOUBLE),
        resized("bicubic", (4, 3), antialias=True),
        [X],
    ),
    "lanczos": (lambda: Z(3, **DOUBLE), resized("lanczos", (18, 15)), [X]),
    "lanczos_antialias": (
        lambda: Z(size=(4, 3), antialias=True, **DOUBLE),
        resized("lanczos", (4, 3), antialias=True),
        [X],
    ),
    "area": (lambda: layers.AreaResize2D(size=(4, 7), **DOUBLE), resized("area", (4, 7)), [X]),
    "area_blocks": (
        lambda: layers.AreaResize2D(size=(3, 1), **DOUBLE),
        resized("area", (3, 1)),
        [X],
    ),
    "adaptive": (
        lambda: layers.AdaptiveAveragePooling2D((3, 1), **DOUBLE),
        resized("area", (3, 1)),  # which divides 6 and 5
        [X],
    ),
    "resize_like": (
        lambda: layers.ResizeLike2D(**DOUBLE),
        lambda x, w: reference.resize(x[0], "bilinear", x[1].shape[1:3]),
        [X, GUIDE],
    ),
    "transposed": (lambda: layers.TransposedConv2D(3, 2, 3, **DOUBLE), transposed(2, (0, 1)), [X]),
    "transposed_groups": (
        lambda: layers.TransposedConv2D(6, 2, 3, groups=2, **DOUBLE),
        spread(2, 1, 2, (0, 1)),
        [X],
    ),
    "transposed_depthwise": (
        lambda: layers.TransposedConv2D(4, 3, 3, dilation_rate=2, groups=4, **DOUBLE),
        spread(3, 2, 4, (1, 1)),
        [X],
    ),
    "transposed_dilated": (
        lambda: layers.TransposedConv2D(3, 1, 3, dilation_rate=2, **DOUBLE),
        spread(1, 2, 1, (2, 2)),
        [X],
    ),
    "transposed_lines": (
        lambda: layers.TransposedConv1D(3, 2, 3, **DOUBLE),
        spread(2, 1, 1, (0, 1)),
        [X[:, 0]],
    ),
    "transposed_volumes": (
        lambda: layers.TransposedConv3D(3, 2, 3, **DOUBLE),
        spread(2, 1, 1, (0, 1)),
        [X[:, :, :, None]],
    ),
    "lines": (
        lambda: layers.LinearUpSampling1D(3, **DOUBLE),
        lambda x, w: reference.resize_lengths(x, "linear", (15,)),
        [X[:, 0]],
    ),
    "lines_nearest": (
        lambda: layers.NearestUpSampling1D(size=7, **DOUBLE),
        lambda x, w: reference.resize_lengths(x, "nearest", (7,)),
        [X[:, 0]],
    ),
    "volumes": (
        lambda: layers.TrilinearUpSampling3D(size=(4, 9, 2), antialias=True, **DOUBLE),
        lambda x, w: reference.resize_lengths(x, "linear", (4, 9, 2), antialias=True),
        [X[:, :, :, :3, None]],
    ),
    "volumes_nearest": (
        lambda: layers.NearestUpSampling3D(2, **DOUBLE),
        lambda x, w: reference.resize_lengths(x, "nearest", (12, 10, 8)),
        [X[..., None]],
    ),
    "shuffle": (
        lambda: layers.PixelShuffle2D(2, **DOUBLE),
        lambda x, w: reference.pixel_shuffle(x, 2),
        [X],
    ),
    "unshuffle": (
        lambda: layers.PixelUnshuffle2D(2, "crd", **DOUBLE),
        lambda x, w: reference.pixel_unshuffle(x, 2, "crd"),
        [X[:, :, :4]],
    ),
    "subpixel": (
        lambda: layers.SubpixelConv2D(3, 2, order="crd", blur=True, **DOUBLE),
        subpixel,
        [X],
    ),
    "carafe": (
        lambda: layers.CARAFE2D(2, 3, compressed=5, **DOUBLE),
        lambda x, w: reference.carafe_layer(x, *w, 2),
        [X],
    ),
    "dysample": (lambda: layers.DySample2D(2, 1, **DOUBLE), dysample("lp"), [X]),
    "dysample_pl": (
        lambda: layers.DySample2D(2, 1, style="pl", dynamic_scope=True, **DOUBLE),
        dysample("pl"),
        [X],
    ),
    "joint_bilateral": (
        lambda: layers.JointBilateralUpSampling2D(
            2, 1, spatial_sigma=0.8, range_sigma=0.3, **DOUBLE
        ),
        lambda x, w: reference.joint_bilateral(*x, 2, 1, 0.8, 0.3),
        [X, GUIDE],
    ),
    "joint_bilateral_learned": (
        lambda: layers.JointBilateralUpSampling2D(2, 2, learnable=True, **DOUBLE),
        lambda x, w: reference.joint_bilateral(*x, 2, 2, *np.exp(w)),
        [X, GUIDE],
    ),
    "sapa": (
        lambda: layers.SAPA2D(2, 3, similarity="gated", embedding=5, **DOUBLE),
        lambda x, w: reference.sapa(*x, 3, *w),
        [X, GUIDE],
    ),
    "fade": (
        lambda: layers.FADE2D(2, 3, embedding=5, **DOUBLE),
        lambda x, w: reference.fade(*x, 3, *w),
        [X, GUIDE],
    ),
    "attention": (
        lambda: layers.SkipFusion2D("attention", attention_channels=3, **DOUBLE),
        fused("attention"),
        [X, SKIP],
    ),
    "scse": (lambda: layers.SkipFusion2D("scse", reduction=2, **DOUBLE), fused("scse"), [X, SKIP]),
}


NORMALIZATION = "Keras' normalization layers compute float64 in float32 there"


@pytest.mark.parametrize("size", ["known", "open"])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_oracle(name: str, size: str) -> None:
    make, expected, arrays = CASES[name]
    if name == "sapa" and keras.backend.backend() != "tensorflow":
        pytest.skip(NORMALIZATION)
    x = list(arrays) if len(arrays) > 1 else arrays[0]
    layer = make()
    y = layer(x)  # builds
    weights = [noise(*w.shape, seed=64 + k) for k, w in enumerate(layer.weights)]
    layer.set_weights(weights)
    assert all(keras.backend.standardize_dtype(w.dtype) == "float64" for w in layer.weights)
    y = layer(x) if size == "known" else at_open_size(layer, arrays)
    assert_close(y, expected(x, weights), of_range=1e-12, dtype="float64")


def at_open_size(layer: Any, arrays: Sequence[np.ndarray]) -> Any:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow's graphs have open sizes")
    import tensorflow as tf

    signature = [tf.TensorSpec((*(None,) * (a.ndim - 1), a.shape[-1]), "float64") for a in arrays]
    run = tf.function(lambda *x: layer(list(x) if len(x) > 1 else x[0]), input_signature=signature)
    return run(*(tf.constant(a) for a in arrays))


def test_pooling_and_unpooling() -> None:
    x = noise(2, 5, 6, 3)
    y, places = layers.MaxPoolingWithIndices2D(2, **DOUBLE)(x)
    values, positions = reference.max_pool(x, 2)
    assert_close(y, values, of_range=0, dtype="float64")
    assert np.array_equal(as_numpy(places)[0], positions)
    back = layers.MaxUnpooling2D(2, **DOUBLE)([y, places])
    expected = reference.max_unpool(values, positions, 2, (4, 6))
    assert_close(back, expected, of_range=0, dtype="float64")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason=NORMALIZATION)
def test_freq_fusion() -> None:
    layer = layers.FreqFusion2D(2, compressed=8, groups=1, **DOUBLE)
    layer.build([X.shape, GUIDE.shape])
    weights = [0.3 * noise(*w.shape, seed=64 + k) for k, w in enumerate(layer.weights)]
    layer.set_weights(weights)
    expected = reference.freq_fusion(X, GUIDE, 1, *weights)
    for y, one in zip(layer([X, GUIDE]), expected, strict=True):
        assert_close(y, one, of_range=1e-12, dtype="float64")


def test_every_layer_with_arithmetic_is_here() -> None:
    tested = {type(make()).__name__ for make, _, _ in CASES.values()}
    tested |= {"MaxPoolingWithIndices2D", "MaxUnpooling2D", "FreqFusion2D", "AnyUp2D"}
    copies = {"CropLike2D", "PadToMultiple2D", "ReshapeLike2D"}
    assert set(layers.__all__) - tested == copies
