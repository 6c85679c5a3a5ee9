"""Weights on a quantiser's values: which, by an independent oracle, and what they compute."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from lowering_checks import noise, photographs

from keras_upsample.layers import PixelShuffle2D, TransposedConv2D
from keras_upsample.program._keras_reader import Transposed
from keras_upsample.program._program import program_of
from keras_upsample.program._read import graph_of
from keras_upsample.program._signature import signature_of
from keras_upsample.quantization import _gptq as _grid
from keras_upsample.quantization import _im2col as _rows
from keras_upsample.quantization import _round
from keras_upsample.quantization._gptq import Grid, round_rows
from keras_upsample.quantization._round import round_weights

SIZE = (32, 40, 3)
INT4 = Grid(7, -7, 7)
INT8 = Grid(127, -127, 127)
GRIDS = [INT4, Grid(64, -64, 64), Grid(7.5, -8, 7)]


def rows_of(seed: int, groups: int = 1, rows: int = 6, columns: int = 20) -> Any:
    """Weights, and the mean products of inputs that have much in common."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(groups, rows, columns))
    inputs = rng.normal(size=(groups, 300, 4)) @ rng.normal(size=(groups, 4, columns))
    inputs += 0.2 * rng.normal(size=inputs.shape)
    return weights, inputs, inputs.transpose(0, 2, 1) @ inputs / 300


def pinned_of(weights: np.ndarray) -> np.ndarray:
    return np.abs(weights) == np.abs(weights).max(axis=2, keepdims=True)


def one_by_one(w: np.ndarray, m: np.ndarray, grid: Grid, step: float, kept: int) -> np.ndarray:
    """A row, by its definition: after each rounding, the rest is solved for anew.

    With the weights in R still free and the others' errors e, (e, d) M (e, d)^T is least for
    d = -M_RR^-1 M_RF e.
    """
    order = list(np.argsort(-np.diag(m), kind="stable"))
    chosen = w.astype("float64").copy()
    for position, i in enumerate(order):
        start = w[i] if i == kept else chosen[i]
        reach = (grid.first, grid.last) if i == kept else (-(grid.steps // 1), grid.steps // 1)
        chosen[i] = step * np.clip(np.round(start / step), *reach)
        done, rest = order[: position + 1], order[position + 1 :]
        if rest:
            error = (chosen - w)[done]
            pull = np.linalg.solve(m[np.ix_(rest, rest)], m[np.ix_(rest, done)] @ error)
            chosen[rest] = w[rest] - pull
    return chosen


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("block", [3, 128])
def test_the_weights_are_those_of_the_definition(
    grid: Grid, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_grid, "_BLOCK", block)
    weights, _, moments = rows_of(0, groups=2)
    step = grid.step(np.abs(weights).max(axis=2))
    pinned = pinned_of(weights)
    found = round_rows(weights, moments, grid, step, pinned)
    for group in range(2):
        for row in range(6):
            kept = int(pinned[group, row].argmax())
            wanted = one_by_one(weights[group, row], moments[group], grid, step[group, row], kept)
            given = found[group, row].copy()
            assert given[kept] == weights[group, row, kept]
            given[kept] = wanted[kept]
            np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("seed", range(5))
def test_it_loses_less_than_the_nearest_values(grid: Grid, seed: int) -> None:
    weights, inputs, moments = rows_of(seed)
    step = grid.step(np.abs(weights).max(axis=2))
    found = round_rows(weights, moments, grid, step, pinned_of(weights))
    exact = inputs @ weights.transpose(0, 2, 1)

    def loss(chosen: np.ndarray) -> float:
        stored = grid.nearest(chosen, step[..., None])
        return float(np.mean((inputs @ stored.transpose(0, 2, 1) - exact) ** 2))

    assert loss(found) < loss(weights) / 4


def test_a_free_column_takes_up_the_mean() -> None:
    """Inputs of a mean, a constant behind them: the mean error of every row vanishes."""
    weights, inputs, _ = rows_of(1)
    inputs = np.concatenate([inputs + 3, np.ones_like(inputs[..., :1])], axis=2)
    weights = np.concatenate([weights, np.zeros_like(weights[..., :1])], axis=2)
    moments = inputs.transpose(0, 2, 1) @ inputs / inputs.shape[1]
    step = INT4.step(np.abs(weights).max(axis=2))
    found = round_rows(weights, moments, INT4, step, pinned_of(weights), free=1)
    error = inputs @ (found - weights).transpose(0, 2, 1)
    assert np.abs(error.mean(axis=1)).max() < 1e-9 * np.abs(weights).max()
    assert np.abs(found[..., -1]).max() > 0


def kinds(x: Any) -> Any:
    """Every geometry that a convolution may have."""
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="same")(x)
    x = layers.ZeroPadding2D(((2, 1), (0, 3)))(x)
    x = layers.Conv2D(8, (3, 2), strides=(2, 1), use_bias=False, name="strides")(x)
    x = layers.Conv2D(8, 3, dilation_rate=(1, 2), padding="same", activation="relu", name="wide")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depth")(x)
    x = TransposedConv2D(12, 2, activation="relu", name="ours")(x)
    return layers.Conv2DTranspose(4, (3, 2), strides=(3, 2), name="keras")(x)


NAMES = ("same", "strides", "wide", "depth", "ours", "keras")


def built(stack: Any, seed: int = 0) -> Any:
    keras.utils.set_random_seed(seed)
    image = keras.Input(SIZE, name="image")
    return keras.Model(image, stack(image))


def run(model: Any, grid: Grid = INT4, **options: Any) -> tuple[Any, tuple[str, ...]]:
    program = program_of(model, signature_of(model).fixed())
    made = round_weights(program, photographs(size=SIZE), grid, steps=255, **options)
    return made.model, made.notes[0].layers if made.notes else ()


def stored(kernel: np.ndarray, grid: Grid, axes: tuple[int, ...]) -> np.ndarray:
    """What a quantiser keeps of a kernel."""
    step = grid.step(np.abs(kernel).max(axis=axes, keepdims=True))
    return grid.nearest(kernel, step)


def axes_of(layer: Any) -> tuple[int, ...]:
    if isinstance(layer, TransposedConv2D | layers.Conv2DTranspose):
        return 0, 1, 3
    return (0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (0, 1, 2)


def with_stored(model: Any, grid: Grid) -> Any:
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for layer in copy.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(stored(np.asarray(layer.kernel), grid, axes_of(layer)))
    return copy


@pytest.mark.parametrize("name", NAMES)
def test_columns_times_rows_is_the_convolution(name: str) -> None:
    model = built(kinds)
    layer = model.get_layer(name)
    x = noise(2, *layer.input.shape[1:])
    alone = keras.Model(layer.input, layer.output)
    graph = graph_of(alone, signature_of(alone).fixed())
    (place,) = (_round._place(node, INT4) for node in graph.nodes())
    columns = _rows.columns_of(x, place.view, None, x.size)
    made = columns @ place.rows.transpose(0, 2, 1)  # (groups, places, rows)
    layer.activation = keras.activations.linear
    wanted = np.asarray(layer(x))
    if isinstance(place.view, Transposed):
        rows, columns = place.view.scale
        blocks = (2, x.shape[1], x.shape[2], rows, columns, -1)
        made = made.reshape(blocks).transpose(0, 1, 3, 2, 4, 5)
    else:
        made = made.transpose(1, 0, 2)
    np.testing.assert_allclose(made.reshape(wanted.shape), wanted, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_geometry_computes_closer(name: str) -> None:
    """One convolution rounded, on photographs: half of the error at most, and all on its values."""
    model = built(kinds)
    made, names = run(model, spared=[n for n in NAMES if n != name])
    assert names == (name,)
    probe = keras.Model(model.input, model.get_layer(name).input)
    after = made.get_layer(name)
    kernel = np.asarray(after.kernel, "float64")
    np.testing.assert_allclose(kernel, stored(kernel, INT4, axes_of(after)), atol=1e-6)

    shown = np.concatenate([feed["image"] for feed in photographs(size=SIZE)])
    x = np.asarray(probe(shown))
    layer = model.get_layer(name)
    exact = np.asarray(layer(x), "float64")
    closer = np.mean((np.asarray(after(x)) - exact) ** 2)
    nearest = with_stored(model, INT4).get_layer(name)
    plain = np.mean((np.asarray(nearest(x)) - exact) ** 2)
    assert closer < plain / 2, (closer, plain)


def test_the_whole_computes_closer() -> None:
    """On a photograph that was not seen."""
    model = built(kinds)
    made, names = run(model)
    assert set(names) == set(NAMES)
    x = photographs("retina", size=SIZE)[0]["image"]
    exact = np.asarray(model(x))
    closer = np.mean((np.asarray(made(x)) - exact) ** 2)
    plain = np.mean((np.asarray(with_stored(model, INT4)(x)) - exact) ** 2)
    assert closer < plain / 2


def test_the_given_model_stays() -> None:
    model = built(kinds)
    before = model.get_weights()
    run(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_what_is_left_alone() -> None:
    """A shared layer, one that overlaps, one on its values already, one that is spared."""

    def stack(x: Any) -> Any:
        twice = layers.Conv2D(3, 3, padding="same", name="twice")
        x = twice(twice(x))
        x = TransposedConv2D(4, 2, 4, name="overlaps")(x)
        x = layers.Conv2D(4, 1, name="spared")(x)
        x = layers.Conv2D(4, 1, name="ones", kernel_initializer="ones")(x)
        return PixelShuffle2D(2)(layers.Conv2D(4, 3, name="rounded")(x))

    _, names = run(built(stack), spared=("spared",))
    assert names == ("rounded",)
    model = built(lambda x: layers.ReLU()(x))
    assert run(model) == (model, ())


def test_a_dead_input_is_no_matter() -> None:
    """Channels that are 0 in every image, and an input that is 0 throughout."""

    def stack(x: Any) -> Any:
        x = layers.Conv2D(4, 3, padding="same", bias_initializer=keras.initializers.Constant(-9.0))(
            x
        )
        return layers.Conv2D(5, 3, name="behind")(layers.ReLU()(x))

    model = built(stack)
    made, _ = run(model)
    given, wanted = (np.asarray(m(photographs(size=SIZE)[0]["image"])) for m in (made, model))
    np.testing.assert_allclose(given, wanted, atol=1e-5)


def test_many_columns_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_round, "_COLUMNS", 7)
    model = built(kinds)
    made, _ = run(model)
    x = photographs(size=SIZE)[0]["image"]
    exact = np.asarray(model(x))
    closer = np.mean((np.asarray(made(x)) - exact) ** 2)
    assert closer < np.mean((np.asarray(with_stored(model, INT4)(x)) - exact) ** 2)


@pytest.mark.parametrize(
    ("module", "name", "old", "new"),
    [
        (_grid, "round_rows", "w[..., i + 1 : stop] +=", "w[..., i + 1 : stop] -="),
        (_grid, "round_rows", "w[..., stop:] +=", "w[..., stop:] -="),
        (_rows, "columns_of", "column + j * view.dilation[1]", "column + j"),
        (_rows, "columns_of", "row + i * ", "row + j * "),
        (_rows, "columns_of", "row * view.strides[0]", "row"),
        (_rows, "kernel_of", "(2, 0, 1) if", "(2, 1, 0) if"),
        (_round, "_replace", "shift += found[..., -1]", "pass"),
    ],
)
def test_a_mutation_is_caught(
    module: Any, name: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from test_lowering_mutations import mutate

    mutate(monkeypatch, module, name, old, new)
    monkeypatch.setattr(_grid, "_BLOCK", 5)
    with pytest.raises((AssertionError, IndexError, ValueError)):
        for kind in NAMES:
            test_columns_times_rows_is_the_convolution(kind)
            test_every_geometry_computes_closer(kind)
        test_the_whole_computes_closer()
