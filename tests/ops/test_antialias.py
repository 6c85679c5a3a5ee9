"""Antialiased downscaling: the oracle, PIL, PyTorch, and what must not change."""

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close
from gradients import gradient
from PIL import Image

from keras_upsample import layers, ops

pytestmark = pytest.mark.backend_neutral

RESIZES = {
    "bilinear": ops.resize_bilinear,
    "bicubic": ops.resize_bicubic,
    "lanczos": ops.resize_lanczos,
}
SHAPES = [(2, 9, 13, 3), (1, 1, 1, 1), (1, 1, 7, 2), (3, 8, 1, 1)]
SIZES = [(4, 5), (3, 26), (1, 1), (18, 2), (9, 12)]
FORMS = ("operator", "taps", "matrix", "pointwise")


def image(shape: tuple[int, ...], seed: int = 51) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("interpolation", "options"),
    [
        ("bilinear", {}),
        ("bicubic", {}),
        ("bicubic", {"coefficient": -0.75}),
        ("lanczos", {}),
        ("lanczos", {"lobes": 2}),
    ],
)
def test_values(interpolation: str, options: dict, form: str) -> None:
    for shape in SHAPES:
        x = image(shape)
        for size in SIZES:
            expected = reference.resize(x, interpolation, size, antialias=True, **options)
            options = {**options, "size": size, "antialias": True}
            with ops.resize_forms({interpolation: (form,)}):
                y = RESIZES[interpolation](x, **options)
                z = RESIZES[interpolation](
                    np.ascontiguousarray(x.transpose(0, 3, 1, 2)),
                    **options,
                    data_format="channels_first",
                )
            assert_close(y, expected, of_range=2e-6)
            assert_close(z, expected.transpose(0, 3, 1, 2), of_range=2e-6)
            options = {k: v for k, v in options.items() if k not in ("size", "antialias")}


@pytest.mark.parametrize("size", [(5, 7), (26, 4), (1, 1), (13, 3), (12, 16), (6, 34)])
@pytest.mark.parametrize("interpolation", sorted(RESIZES))
def test_pil(interpolation: str, size: tuple[int, int]) -> None:
    x = image((1, 13, 17, 1))
    method = getattr(Image.Resampling, interpolation.upper())
    expected = np.asarray(Image.fromarray(x[0, :, :, 0]).resize(size[::-1], method))
    y = RESIZES[interpolation](x, size=size, antialias=True)
    assert_close(y, expected[None, ..., None], atol=1e-6)


def test_literal() -> None:
    x = np.float32([1, 2, 3, 6]).reshape(1, 1, 4, 1)
    y = as_numpy(ops.resize_bilinear(x, size=(1, 2), antialias=True))[0]
    np.testing.assert_allclose(y.ravel(), [12 / 7, 29 / 7], rtol=1e-6)
    y = as_numpy(ops.resize_bilinear(x, size=(1, 2)))[0]
    assert y.ravel().tolist() == [1.5, 4.5]


@pytest.mark.parametrize("interpolation", sorted(RESIZES))
def test_constants_and_means(interpolation: str) -> None:
    y = RESIZES[interpolation](np.full((1, 11, 7, 2), 3, "float32"), size=(4, 3), antialias=True)
    assert_close(y, np.full((1, 4, 3, 2), 3.0), of_range=1e-6)


@pytest.mark.parametrize("interpolation", sorted(RESIZES))
@pytest.mark.parametrize("target", [{"scale": 2}, {"size": (9, 13)}, {"size": (20, 13)}])
def test_nothing_changes_where_nothing_gets_smaller(interpolation: str, target: dict) -> None:
    x = image((2, 9, 13, 3))
    plain = as_numpy(RESIZES[interpolation](x, **target))[0]
    smoothed = as_numpy(RESIZES[interpolation](x, **target, antialias=True))[0]
    assert np.array_equal(plain, smoothed)


@pytest.mark.parametrize("interpolation", sorted(RESIZES))
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_rounds_once(interpolation: str, dtype: str) -> None:
    x = keras.ops.cast(keras.ops.convert_to_tensor(image((1, 9, 6, 2))), dtype)
    exact = keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))
    expected = reference.resize(exact, interpolation, (4, 5), antialias=True)
    y = RESIZES[interpolation](x, size=(4, 5), antialias=True)
    half_a_unit = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    assert_close(y, expected, of_range=half_a_unit, dtype=dtype)


@pytest.mark.parametrize("form", ["matrix", "pointwise"])
def test_gradient_is_the_adjoint(form: str) -> None:
    basis = np.eye(20).reshape(20, 5, 4, 1)
    columns = reference.resize(basis, "bicubic", (2, 3), antialias=True)
    w = image((1, 2, 3, 1), 52)

    def inner(x: object) -> object:
        with ops.resize_forms({"bicubic": (form,)}):
            y = ops.resize_bicubic(x, size=(2, 3), antialias=True)
        return keras.ops.sum(y * keras.ops.convert_to_tensor(w))

    expected = (columns * w).sum(axis=(1, 2, 3)).reshape(1, 5, 4, 1)
    assert_close(gradient(inner, image((1, 5, 4, 1))), expected, of_range=3e-6)


LAYERS = {
    "bilinear": layers.BilinearUpSampling2D,
    "bicubic": layers.BicubicUpSampling2D,
    "lanczos": layers.LanczosUpSampling2D,
}


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_layers_at_open_sizes(name: str, data_format: str) -> None:
    """Where the graph alone knows the size, and so whether an axis gets smaller."""
    first = data_format == "channels_first"
    layer = LAYERS[name](size=(4, 6), antialias=True, data_format=data_format)
    assert layer.get_config()["antialias"] is True
    copy = type(layer).from_config(layer.get_config())
    inputs = keras.Input((3, None, None) if first else (None, None, 3))
    model = keras.Model(inputs, copy(inputs))
    for shape in [(2, 9, 13, 3), (1, 3, 17, 3), (1, 4, 6, 3), (1, 1, 1, 3)]:
        x = image(shape)
        expected = reference.resize(x, name, (4, 6), antialias=True)
        if first:
            x, expected = (
                np.ascontiguousarray(v.transpose(0, 3, 1, 2)).astype(v.dtype) for v in (x, expected)
            )
        assert_close(model(x), expected, of_range=2e-6)


X = np.zeros((1, 4, 4, 1), "float32")
BAD = [
    (
        lambda: ops.resize_bilinear(X, size=2, antialias=True, coordinates="align_corners"),
        "`coordinates='half_pixel'` alone.*Received: coordinates='align_corners'",
    ),
    (
        lambda: ops.resize_bicubic(X, size=2, antialias=True, border="clamp"),
        "needs `border='renormalize'`. Received: border='clamp'",
    ),
    (
        lambda: layers.LanczosUpSampling2D(size=2, antialias=True, border="clamp"),
        "needs `border='renormalize'`. Received: border='clamp'",
    ),
    (
        lambda: layers.BilinearUpSampling2D(size=2, antialias=True, coordinates="asymmetric"),
        "`coordinates='half_pixel'` alone",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
