"""AnyUp: its window attention and the whole layer, against the oracle."""

from pathlib import Path

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close

from keras_upsample import layers, ops
from keras_upsample.ops._lacking import NAMES, lacking

pytestmark = pytest.mark.backend_neutral


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(91).uniform(-1, 1, shape).astype("float32")


@pytest.mark.parametrize(
    ("height", "width", "scale", "ratio", "heads"),
    [(4, 5, 3, 0.2, 2), (3, 7, 2, 0.34, 1), (2, 2, 1, 1.0, 4), (10, 6, 2, 0.1, 2)],
)
@pytest.mark.parametrize("lacks", [frozenset(), NAMES], ids=len)
def test_window_attention(
    height: int, width: int, scale: int, ratio: float, heads: int, lacks: frozenset[str]
) -> None:
    queries = 3 * noise(2, height * scale, width * scale, 8)
    keys, values = 3 * noise(2, height, width, 8), noise(2, height, width, 5)
    wide = (value.astype("float64") for value in (queries, keys, values))
    expected = reference.window_attention(*wide, heads, ratio)
    options = {"heads": heads, "window_ratio": ratio}
    with lacking(lacks):
        y = ops.window_attention(queries, keys, values, scale, **options)
        assert_close(y, expected, of_range=3e-6)
        first = (value.transpose(0, 3, 1, 2) for value in (queries, keys, values))
        y = ops.window_attention(*first, scale, **options, data_format="channels_first")
        assert_close(y, expected.transpose(0, 3, 1, 2), of_range=3e-6)


def test_equal_queries_give_the_mean_of_the_window() -> None:
    values = np.float32([1, 4, 7]).reshape(1, 1, 3, 1).repeat(3, 1)
    keys, queries = noise(1, 3, 3, 2), np.zeros((1, 6, 6, 2), "float32")
    y = as_numpy(ops.window_attention(queries, keys, values, 2, window_ratio=1 / 3))[0]
    np.testing.assert_allclose(y[0, :, :, 0], [[2.5, 2.5, 4, 4, 5.5, 5.5]] * 6, rtol=1e-5)


def anyup(channels: int, dtype: str | None = None, **options: object) -> layers.AnyUp2D:
    """With weights far from where training starts."""
    layer = layers.AnyUp2D(
        3, embedding=16, heads=2, window_ratio=0.2, dtype=dtype, name="it", **options
    )
    layer.build([(2, 4, 5, channels), (2, 12, 15, 3)])
    rng = np.random.default_rng(92)
    weights = []
    for weight in layer.weights:
        value = rng.uniform(-0.5, 0.5, weight.shape)
        if weight.path.endswith(("gamma", "scale")):
            value += 1
        if weight.path.endswith(("basis", "frequencies")):
            value *= 4
        weights.append(value.astype("float32"))
    layer.set_weights(weights)
    return layer


@pytest.mark.parametrize("channels", [3, 5])  # the same weights for any number of them
def test_anyup(channels: int, tmp_path: Path) -> None:
    x, image = noise(2, 4, 5, channels), noise(2, 12, 15, 3)
    layer = anyup(channels)
    weights = (np.asarray(w, "float64") for w in layer.get_weights())
    expected = reference.anyup(x.astype("float64"), image.astype("float64"), 2, 0.2, *weights)
    # Angles of up to 200 pi are rounded to float32: by 4e-5 at most.
    assert_close(layer([x, image]), expected, of_range=5e-5)
    inputs = [keras.Input(value.shape[1:]) for value in (x, image)]
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.get_layer("it").get_config() == layer.get_config()
    assert_close(loaded([x, image]), expected, of_range=5e-5)
    half = anyup(channels, "mixed_float16")
    assert_close(half([x, image]), expected, of_range=2e-2, dtype="float16")


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="Keras' normalization layers compute float64 in float32 there",
)
def test_anyup_in_double_precision() -> None:
    layer = anyup(3, "float64")
    x, image = noise(2, 4, 5, 3).astype("float64"), noise(2, 12, 15, 3).astype("float64")
    expected = reference.anyup(x, image, 2, 0.2, *layer.get_weights())
    assert_close(layer([x, image]), expected, of_range=1e-10, dtype="float64")


def test_anyup_keeps_constants_and_trains() -> None:
    layer = anyup(2)
    x = np.broadcast_to(np.float32([3, -1]), (2, 4, 5, 2))
    image = noise(2, 12, 15, 3)
    y = as_numpy(layer([x, image]))[0]
    np.testing.assert_allclose(y, np.broadcast_to(np.float32([3, -1]), y.shape), rtol=1e-5)
    inputs = [keras.Input((4, 5, 2)), keras.Input((12, 15, 3))]
    model = keras.Model(inputs, layer(inputs))
    before = model.get_weights()
    model.compile("adam", "mse", jit_compile=False)
    model.fit([noise(2, 4, 5, 2), image], noise(2, 12, 15, 2), verbose=0)
    for old, new, weight in zip(before, model.get_weights(), model.weights, strict=True):
        assert np.all(np.isfinite(new)), weight.path
        # A key's bias shifts all products of a query alike: the softmax does not see it.
        if not weight.path.endswith("/key/bias"):
            assert not np.array_equal(old, new), weight.path


BAD = [
    (lambda: layers.AnyUp2D(embedding=12), "`embedding` must be a multiple of 8 and of `heads`"),
    (lambda: layers.AnyUp2D(window_ratio=1.5), "`window_ratio` must be at most 1"),
    (lambda: layers.AnyUp2D(basis_kernel=4), "`basis_kernel` must be odd"),
    (
        lambda: layers.AnyUp2D(2)([keras.Input((None, 4, 8)), keras.Input((None, 8, 3))]),
        "needs a known height and width",
    ),
    (
        lambda: layers.AnyUp2D(2)([keras.Input((1, 4, 8)), keras.Input((2, 8, 3))]),
        "at least 2 rows",
    ),
    (
        lambda: ops.window_attention(
            noise(1, 4, 4, 3), noise(1, 2, 2, 3), noise(1, 2, 2, 1), 2, heads=2
        ),
        "which `heads` divides. Received: 3 and 3, heads=2",
    ),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_arguments(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
