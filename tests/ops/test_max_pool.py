"""Max pooling with indices and unpooling: values, ties, odd sizes, gradients, the layers."""

from pathlib import Path

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close
from gradients import gradient

from keras_upsample import layers, ops
from keras_upsample.ops._lacking import NAMES, lacking
from keras_upsample.ops._places import first_of_largest

pytestmark = pytest.mark.backend_neutral

SHAPES = [(2, 4, 6, 3), (1, 7, 5, 2), (2, 3, 11, 1), (1, 3, 3, 4)]
BACKEND = keras.backend.backend()


def integers(shape: tuple[int, ...], seed: int = 61) -> np.ndarray:
    """Few different values, so that most windows hold a maximum twice."""
    return np.random.default_rng(seed).integers(-2, 3, shape).astype("float32")


def first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("pool_size", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_pooling_and_unpooling(shape: tuple[int, ...], pool_size: int) -> None:
    x = integers(shape)
    values, places = reference.max_pool(x, pool_size)
    y, indices = ops.max_pool_with_indices(x, pool_size)
    assert_close(y, values, of_range=0)
    assert_close(indices, places, of_range=0, dtype="int32")
    size = shape[1:3]
    moved = 0.5 * integers(values.shape, 62)
    expected = reference.max_unpool(moved, places, pool_size, size)
    assert_close(ops.max_unpool(moved, indices, pool_size, size=size), expected, of_range=0)
    # the same, channels first
    y, indices = ops.max_pool_with_indices(first(x), pool_size, data_format="channels_first")
    assert_close(indices, first(places), of_range=0, dtype="int32")
    options = {"size": size, "data_format": "channels_first"}
    z = ops.max_unpool(first(moved), indices, pool_size, **options)
    assert_close(z, first(expected), of_range=0)
    # without a size: whole windows
    whole = tuple(pool_size * n for n in values.shape[1:3])
    z = ops.max_unpool(moved, places.astype("int32"), pool_size)
    assert_close(z, expected[:, : whole[0], : whole[1]], of_range=0)


@pytest.mark.parametrize("pool_size", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_places_by_arithmetic(shape: tuple[int, ...], pool_size: int) -> None:
    """Whole numbers are compared exactly, ties included; the places are then floats."""
    x = integers(shape)
    values, places = reference.max_pool(x, pool_size)
    moved = 0.5 * integers(values.shape, 62)
    with lacking(NAMES):
        for convert, data_format in ((lambda v: v, "channels_last"), (first, "channels_first")):
            layer = layers.MaxPoolingWithIndices2D(pool_size, data_format=data_format)
            y, found = layer(convert(x))
            assert_close(y, convert(values), of_range=0)
            assert_close(found, convert(places).astype("float32"), atol=1e-5)
            unpool = layers.MaxUnpooling2D(pool_size, size=shape[1:3], data_format=data_format)
            expected = reference.max_unpool(moved, places, pool_size, shape[1:3])
            z = unpool([keras.ops.convert_to_tensor(convert(moved)), found])
            assert_close(z, convert(expected), atol=1e-5)


def test_near_ties_share_a_place() -> None:
    """Half of 1/K below the top: half of the share, so that nothing jumps."""
    maps = [np.full((1, 1, 1, 1), v, "float32") for v in (0.995, 1.0, 0.2)]
    top, place = first_of_largest([keras.ops.convert_to_tensor(m) for m in maps], sharpness=100.0)
    assert as_numpy(top)[0].item() == 1.0
    np.testing.assert_allclose(as_numpy(place)[0].item(), 0.5 * 0 + 0.5 * 1, atol=1e-4)


def test_of_equal_values_the_first_in_the_order_of_the_rows() -> None:
    x = np.float32([[1, 1, 0, 2], [1, 1, 2, 2]]).reshape(1, 2, 4, 1)
    y, indices = ops.max_pool_with_indices(x)
    assert as_numpy(y)[0].ravel().tolist() == [1, 2]
    assert as_numpy(indices)[0].ravel().tolist() == [0, 1]
    z = as_numpy(ops.max_unpool(y, indices))[0][0, :, :, 0]
    assert z.tolist() == [[1, 0, 0, 2], [0, 0, 0, 0]]
    far = np.full((1, 2, 2, 1), -3e38, "float32")
    assert as_numpy(ops.max_pool_with_indices(far)[1])[0].ravel().tolist() == [0]


def test_unpooling_undoes_pooling_where_all_else_is_zero() -> None:
    """pool(unpool(v)) = v for v > 0, and the indices come back too."""
    rng = np.random.default_rng(63)
    values = rng.uniform(0.1, 1, (2, 3, 4, 2)).astype("float32")
    places = rng.integers(0, 9, values.shape).astype("int32")
    y, indices = ops.max_pool_with_indices(ops.max_unpool(values, places, 3), 3)
    assert_close(y, values, of_range=0)
    assert_close(indices, places, of_range=0, dtype="int32")


def test_a_place_outside_of_the_window_holds_nothing() -> None:
    z = ops.max_unpool(np.ones((1, 1, 2, 1), "float32"), np.int32([[4, -1]]).reshape(1, 1, 2, 1))
    assert not as_numpy(z)[0].any()


def test_gradients_go_through_the_maxima() -> None:
    x = integers((1, 5, 6, 2), 64)
    weights = np.random.default_rng(65).random((1, 2, 3, 2)).astype("float32")
    _, places = reference.max_pool(x, 2)

    def pooled(value: object) -> object:
        y, _ = ops.max_pool_with_indices(value)
        return keras.ops.sum(y * keras.ops.convert_to_tensor(weights))

    expected = reference.max_unpool(weights, places, 2, (5, 6))
    assert_close(gradient(pooled, x), expected, of_range=0)
    wide = np.random.default_rng(66).random((1, 5, 6, 2)).astype("float32")

    def unpooled(value: object) -> object:
        y = ops.max_unpool(value, places.astype("int32"), size=(5, 6))
        return keras.ops.sum(y * keras.ops.convert_to_tensor(wide))

    ones = np.ones((1, 2, 3, 2), "float32")
    picked = (reference.max_unpool(ones, places, 2, (5, 6)) * wide)[:, :4]
    expected = picked.reshape(1, 2, 2, 3, 2, 2).sum(axis=(2, 4))  # the one of each window
    assert_close(gradient(unpooled, ones), expected, of_range=0)


def test_conversion_to_positions_in_the_plane() -> None:
    places = np.int32([[3, 0], [1, 2]]).reshape(1, 2, 2, 1)
    flat = as_numpy(ops.flat_indices(places, 2, 5))[0]
    assert flat.ravel().tolist() == [6, 2, 11, 17]  # (1,1) (0,2) (2,1) (3,2) in rows of 5
    assert np.array_equal(as_numpy(ops.window_indices(flat, 2, 5))[0], places)


def pool_and_unpool(data_format: str, like: bool) -> keras.Model:
    """An odd image pooled, changed and put back, with open sizes."""
    shape = (None, None, 3) if data_format == "channels_last" else (3, None, None)
    inputs = keras.Input(shape)
    pool = layers.MaxPoolingWithIndices2D(2, data_format=data_format, name="pool")
    y, indices = pool(inputs)
    assert (indices.dtype, y.dtype) == ("int32", "float32")
    unpool = layers.MaxUnpooling2D(2, data_format=data_format, name="unpool")
    parts = [2 * y, indices, inputs] if like else [2 * y, indices]
    return keras.Model(inputs, [unpool(parts), indices])


@pytest.mark.parametrize("like", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_layers(data_format: str, like: bool, tmp_path: Path) -> None:
    x = integers((2, 5, 7, 3))
    values, places = reference.max_pool(x, 2)
    expected = reference.max_unpool(2 * values, places, 2, (5, 7) if like else (4, 6))
    order = (0, 3, 1, 2) if data_format == "channels_first" else (0, 1, 2, 3)
    model = pool_and_unpool(data_format, like)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, loaded):
        y, indices = one(np.ascontiguousarray(x.transpose(order)))
        assert_close(y, expected.transpose(order), of_range=0)
        assert_close(indices, places.transpose(order), of_range=0, dtype="int32")
    for name in ("pool", "unpool"):
        assert loaded.get_layer(name).get_config() == model.get_layer(name).get_config()


def test_shapes_of_the_layers() -> None:
    pool, unpool = layers.MaxPoolingWithIndices2D(2), layers.MaxUnpooling2D(2)
    assert pool.compute_output_shape((None, 7, None, 3)) == ((None, 3, None, 3),) * 2
    shape = (None, 3, None, 3)
    assert unpool.compute_output_shape([shape, shape]) == (None, 6, None, 3)
    assert unpool.compute_output_shape([shape, shape, (None, 7, 9, 1)]) == (None, 7, 9, 3)
    fixed = layers.MaxUnpooling2D(2, size=(7, 9))
    assert fixed.compute_output_shape([shape, shape]) == (None, 7, 9, 3)
    y = fixed([np.ones((1, 3, 4, 2), "float32"), np.zeros((1, 3, 4, 2), "int32")])
    assert tuple(y.shape) == (1, 7, 9, 2)
    assert as_numpy(y)[0].sum() == 24


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_half_precision_policies(policy: str) -> None:
    """Small whole numbers are exact in every type."""
    x = integers((2, 4, 6, 3))
    values, places = reference.max_pool(x, 2)
    kind = policy.removeprefix("mixed_")
    y, indices = layers.MaxPoolingWithIndices2D(2, dtype=policy)(x)
    assert_close(keras.ops.cast(y, "float32"), values, of_range=0)
    assert keras.backend.standardize_dtype(y.dtype) == kind
    assert_close(indices, places, of_range=0, dtype="int32")
    z = layers.MaxUnpooling2D(2, dtype=policy)([y, indices])
    assert keras.backend.standardize_dtype(z.dtype) == kind
    expected = reference.max_unpool(values, places, 2, (4, 6))
    assert_close(keras.ops.cast(z, "float32"), expected, of_range=0)


def test_trains_compiled() -> None:
    inputs = keras.Input((8, 8, 2))
    y, indices = layers.MaxPoolingWithIndices2D(2)(keras.layers.Conv2D(3, 3)(inputs))
    y = keras.layers.Conv2D(3, 1)(y)
    model = keras.Model(inputs, layers.MaxUnpooling2D(2)([y, indices]))
    model.compile("sgd", "mse", jit_compile=BACKEND != "torch")
    before = model.get_weights()
    x = np.random.default_rng(67).random((2, 8, 8, 2)).astype("float32")
    model.fit(x, np.ones((2, 6, 6, 3), "float32"), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.isfinite(new).all() and not np.array_equal(old, new)


X, I = np.zeros((1, 2, 3, 1), "float32"), np.zeros((1, 2, 3, 1), "int32")  # noqa: E741
S, Pool, Unpool = (None, 2, 3, 1), layers.MaxPoolingWithIndices2D, layers.MaxUnpooling2D
BAD = [
    (lambda: ops.max_pool_with_indices(X, 3), "`pool_size`=3 needs at least 3 rows.*PadToMultiple"),
    (lambda: ops.max_pool_with_indices(X, (2, 2)), "`pool_size` must be an int"),
    (lambda: ops.max_pool_with_indices(I), "`x` must hold floats"),
    (lambda: ops.max_unpool(X, X), "`indices` must hold whole numbers. Received: float32"),
    (lambda: ops.max_unpool(X, I[:, :1]), r"`indices` must have the shape of the values, \(1, 2,"),
    (lambda: ops.max_unpool(X, I, size=(6, 6)), "`size` must be.*2. Received: 6. Use 4 to 5"),
    (lambda: ops.max_unpool(X, I, size=(4, 5)), "`size` must be.*3. Received: 5. Use 6 to 7"),
    (lambda: ops.max_unpool(X, I, size=0), "`size` must be an int >= 1"),
    (lambda: ops.flat_indices(I, 2, 0), "`width` must be an int >= 1"),
    (lambda: Pool(0), "`pool_size` must be an int >= 1"),
    (lambda: Pool(2, data_format="nhwc"), "`data_format` must be one of"),
    (lambda: Pool(3)(keras.Input((2, 8, 1))), "`pool_size`=3 needs at least 3"),
    (lambda: Pool(2)(keras.Input((8, 1))), "expected ndim=4"),
    (lambda: Unpool(2, size=(4, 0)), "`size` must be an int >= 1"),
    (lambda: Unpool(2)(keras.Input((2, 3, 1))), "`inputs` must be the list"),
    (lambda: Unpool(2).compute_output_shape([S]), r"or \[x, indices, like\]. Received: 1 of them"),
    (lambda: Unpool(2).compute_output_shape([S, S[:3]]), "`indices` must have 4 axes"),
    (lambda: Unpool(2).compute_output_shape([S, (None, 2, 4, 1)]), "`indices` must have the shape"),
    (lambda: Unpool(2).compute_output_shape([S, S, (None, 7, 7, 1)]), "`like` must be a size"),
    (lambda: Unpool(2, size=4).compute_output_shape([S, S, S]), "Drop one of them"),
    (lambda: Unpool(2, size=4).compute_output_shape([S, S]), "`size` must be.*Received: 4. Use 6"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()
