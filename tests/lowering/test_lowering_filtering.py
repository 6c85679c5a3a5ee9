"""Minimal filtering: against the oracle, its numbers exactly, and in the runtime it is for."""

from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from compare import assert_close
from keras import layers
from linear_cases import chain
from lowering_checks import (
    OF_RANGE,
    answers,
    check,
    convolved,
    count,
    feed_of,
    model_of,
    names_of,
    noise,
    only,
    proposals,
    stirred,
)
from upsampling_cases import (
    FILTERED,
    JOINED,
    Filtered,
    Joined,
    check_convolution,
    check_filtering,
    check_layout,
    ready_for_filtering,
    ready_for_tiles,
)

from keras_upsample import runtimes
from keras_upsample.export import Options
from keras_upsample.formats._convert import convert
from keras_upsample.lowering._blocks import block_model
from keras_upsample.lowering._equal import merge_equal
from keras_upsample.lowering._lower import lower_program
from keras_upsample.lowering._match import Here
from keras_upsample.lowering._rules import (
    _tiles,
    concatenation,
    layout,
    minimal_filtering,
    nearest,
)
from keras_upsample.program import _tiled
from keras_upsample.program._applied import KEEP
from keras_upsample.program._cook_toom import filtering
from keras_upsample.program._operations import Affine, Difference, Sum
from keras_upsample.program._program import program_of
from keras_upsample.program._read import graph_of
from keras_upsample.program._signature import signature_of
from keras_upsample.program._surroundings import Surroundings
from keras_upsample.targets import TARGETS


@pytest.mark.parametrize("case", FILTERED, ids=str)
def test_minimal_filtering(case: Filtered, monkeypatch: pytest.MonkeyPatch) -> None:
    ready_for_filtering(monkeypatch)
    height, width = case.size
    expected = {"4 by 6"} if height >= 4 else set()
    if min(height, width) >= 4:
        expected.add(_tiles.FORM)
    if case.parts:
        expected |= {"by parts", "4 by 6, by parts"}
    assert check_filtering(case) == expected


@pytest.mark.parametrize("case", JOINED, ids=str)
def test_convolutions_of_concatenations(case: Joined) -> None:
    assert check_convolution(case.model(), concatenation) == {"by parts"}


def test_a_part_that_comes_twice_stays() -> None:
    x = keras.Input((4, 5, 2))
    joined = layers.Concatenate()([x, x])
    model = stirred(keras.Model(x, layers.Conv2D(2, 1)(joined)))
    assert proposals(model, concatenation) == {}


def test_a_concatenation_with_other_readers_stays() -> None:
    parts = [keras.Input((4, 5, 2)), keras.Input((4, 5, 1))]
    joined = layers.Concatenate()(parts)
    model = stirred(keras.Model(parts, [layers.Conv2D(2, 1)(joined), layers.ReLU()(joined)]))
    assert proposals(model, concatenation) == {}


def test_filtered_convolutions_of_one_map_share_their_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the skips of U-Net++, which several nodes read."""
    ready_for_filtering(monkeypatch)
    x = keras.Input((9, 5, 2))
    other = layers.ReLU()(x)
    both = [
        layers.Conv2D(2, 3, padding="same")(layers.Concatenate()([x, y])) for y in (x * 2, other)
    ]
    model = stirred(keras.Model(x, both))
    forms = {minimal_filtering.NAME: "4 by 6, by parts"}
    lowered = check(model, forms=forms, never=only(minimal_filtering))
    assert names_of(lowered) == [minimal_filtering.NAME] * 2
    assert count(lowered.model, layers.DepthwiseConv2D) == 6 * 3


def test_only_equal_layers_are_merged_and_none_of_the_user() -> None:
    """Of one map with other weights, with equal weights of two maps, and the user's own."""
    x = keras.Input((4, 5, 2), name="image")
    layers_ = [layers.DepthwiseConv2D(2, name=f"d{i}") for i in range(4)]
    inputs = [x, x, x, layers.ReLU()(x)]
    model = stirred(keras.Model(x, [d(y) for d, y in zip(layers_, inputs, strict=True)]))
    for layer in layers_[2:]:
        layer.set_weights(layers_[0].get_weights())
    assert count(check(model).model, layers.DepthwiseConv2D) == 4
    graph = graph_of(model, signature_of(model))
    for node in graph.nodes():
        node.source = ()  # as those that a rule made
    merge_equal(graph)
    assert len([n for n in graph.nodes() if "d" in n.name and n.name[1:].isdigit()]) == 3


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("between", [(), (layers.ReLU,), (layers.ReLU, layers.ReLU)], ids=len)
def test_a_resize_behind_a_pool(interpolation: str, between: tuple) -> None:
    assert check_layout(interpolation, *(kind() for kind in between)) == {"behind a pool"}


@pytest.mark.parametrize(
    "stack",
    [
        (layers.UpSampling2D(2),),
        (layers.Reshape((6, 5, 2)), layers.UpSampling2D(2, interpolation="bicubic")),
        (layers.Reshape((6, 5, 2)), layers.Conv2D(2, 1), layers.UpSampling2D(2)),
    ],
    ids=["no reshape", "bicubic", "convolution between"],
)
def test_other_resizes_have_no_pool(stack: tuple) -> None:
    assert proposals(model_of(chain(*stack), 3, 10, 2), layout) == {}


def test_between_pools_a_block_computes_the_same() -> None:
    """The pools of a measurement: every eighth pixel of what the block gives."""
    model = Filtered((17, 9), parts=(2, 3)).model()
    graph = graph_of(model, signature_of(model))
    (node,) = [n for n in graph.nodes() if n.name == "convolution"]
    proposal = concatenation.by_parts(Here(node, Surroundings(graph), concatenation.NAME))
    feeds = feed_of(model, batch=1)
    (wanted,) = answers(model, feeds)
    for form in (KEEP, "by parts"):
        pooled = block_model(proposal, graph, form, pooled=True)
        assert_close(answers(pooled, feeds)[0], np.asarray(wanted)[:, ::8, ::8], of_range=OF_RANGE)


def fractions_of(table: Any) -> list[list[Fraction]]:
    """The exact numbers that a matrix of floats means."""
    exact = [[Fraction(x).limit_denominator(24) for x in row] for row in table.tolist()]
    assert [[float(x) for x in row] for row in exact] == table.tolist()
    return exact


def check_matrices(a: Any, b: Any, g: Any, m: int, taps: int) -> None:
    """y_j = sum_t k_t d_(j + t), so that sum_i A_ji G_it B_id is 1 where d = j + t, else 0."""
    count = m + taps - 1
    assert (len(a), len(g[0]), len(b[0])) == (m, taps, count)
    for j, t, d in product(range(m), range(taps), range(count)):
        total = sum(a[j][i] * g[i][t] * b[i][d] for i in range(count))
        assert total == (d == j + t), (j, t, d)


def test_the_matrices_of_minimal_filtering() -> None:
    a, b, g = (fractions_of(getattr(minimal_filtering, name)) for name in "ABG")
    check_matrices(a, b, g, 4, 3)


@pytest.mark.parametrize(
    ("points", "taps"), [("0 1 -1", 3), ("0 1 -1 2", 2), ("1/3 -2 5 0", 4), ("7", 2), ("1 0", 1)]
)
def test_matrices_from_points(points: str, taps: int) -> None:
    g, b, a = filtering([Fraction(p) for p in points.split()], taps)
    check_matrices(a, b, g, len(points.split()) + 2 - taps, taps)


def test_the_matrices_of_tiles() -> None:
    """Exact in binary, so that nothing is lost before the first product."""
    g, b, a = _tiled.MATRICES
    check_matrices(a, b, g, 4, 3)
    assert all(Fraction(float(x)) == x for row in (*g, *a) for x in row)


def test_the_biases_of_the_products_add_up_to_one() -> None:
    bias = [Fraction(x) for x in minimal_filtering.BIAS]
    rows = fractions_of(minimal_filtering.A)
    assert [sum(x * b for x, b in zip(row, bias, strict=True)) for row in rows] == [1] * 4


TILED = [(1, 1), (4, 4), (3, 9), (33, 20), (32, 32), (40, 37), (65, 4)]


@pytest.mark.parametrize("size", TILED, ids=str)
@pytest.mark.parametrize("batch", [1, 3])
def test_tiled_convolution(size: tuple[int, int], batch: int) -> None:
    """Sizes of one block and several, whole tiles and not; the oracle is the definition."""
    layer = _tiled.TiledConv2D(4)
    x = noise(batch, *size, 3)
    assert layer(x).shape == (batch, *size, 4)
    kernel, bias = noise(3, 3, 3, 4, seed=1) - 0.5, noise(4, seed=2)
    layer.assign(kernel, bias)
    assert_close(
        np.asarray(layer(x)), convolved(x, kernel, bias, ((1, 1), (1, 1))), of_range=OF_RANGE
    )


def test_many_channels_lose_few_digits() -> None:
    """See `_tiled` for the figures: a tenth of what rules may lose."""
    layer = _tiled.TiledConv2D(8)
    x = noise(1, 8, 8, 512)
    layer(x)
    kernel = (noise(3, 3, 512, 8, seed=1) - 0.5) / 40
    layer.assign(kernel, np.zeros(8))
    wanted = convolved(x, kernel, None, ((1, 1), (1, 1)))
    assert np.abs(np.asarray(layer(x)) - wanted).max() < 5e-6 * np.ptp(wanted)


def test_a_model_with_tiles_is_saved(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((5, 6, 2)), _tiled.TiledConv2D(3, use_bias=False)])
    model.layers[0].assign(noise(3, 3, 2, 3), None)
    model.save(tmp_path / "m.keras")
    x = noise(2, 5, 6, 2)
    again = keras.models.load_model(tmp_path / "m.keras")
    assert np.array_equal(np.asarray(again(x)), np.asarray(model(x)))


class OnArrays:
    """In place of an emitter: computes the operations."""

    def write(self, operation: Affine | Sum | Difference, suffix: str) -> Any:
        if isinstance(operation, Affine):
            assert not operation.shift.any()
            return operation.x * Fraction(float(operation.scale[0]))
        first, second = operation.parts
        return first + second if isinstance(operation, Sum) else first - second


def test_the_sums_of_the_products_are_those_of_the_matrix() -> None:
    units = [np.array([Fraction(int(i == j)) for i in range(6)]) for j in range(6)]
    rows = minimal_filtering._outputs(OnArrays(), units)
    assert [list(row) for row in rows] == minimal_filtering.A.tolist()


def test_many_channels_are_needed() -> None:
    least = minimal_filtering.MIN_CHANNELS
    assert least >= 32
    for channels, filters in [(least, least), (least - 1, least), (least, least - 1)]:
        model = Filtered((4, 2), channels=channels, filters=filters).model()
        enough = min(channels, filters) == least
        assert set(proposals(model, minimal_filtering)) == ({"4 by 6"} if enough else set())
    both = Filtered((4, 4), channels=128, filters=128).model()
    assert set(proposals(both, minimal_filtering)) == {"4 by 6", _tiles.FORM}
    large = Filtered((65, 64), channels=128, filters=128).model()
    assert set(proposals(large, minimal_filtering)) == {"4 by 6"}


def test_convolutions_of_a_chosen_form_are_filtered() -> None:
    """The skip's own convolution, which the phases of an upsampling leave."""
    image = keras.Input((4, 4, 3))
    skip = keras.Input((8, 8, 32))
    x = layers.Concatenate()([layers.UpSampling2D(2)(image), skip])
    model = keras.Model([image, skip], layers.Conv2D(32, 3, padding="same", name="c")(x))
    forms = {nearest.NAME: ("shuffle",), minimal_filtering.NAME: ("4 by 6",)}
    chosen = replace(TARGETS["tflite"], lowering=forms, never=frozenset())
    low = lower_program(program_of(model, signature_of(model)), chosen)
    assert [entry.form for entry in low.notes] == ["shuffle", "4 by 6"]
    names = {layer.name for layer in low.model.layers}
    assert "c_skip_product0" in names
    assert "c_product0" not in names


@pytest.mark.parametrize("form", ["4 by 6", _tiles.FORM])
@pytest.mark.parametrize("name", ["tflite", "onnx"])
@pytest.mark.parametrize("size", [(9, 4), (8, 5), (34, 7)], ids=str)
def test_minimal_filtering_in_the_runtimes_that_it_is_for(
    form: str, name: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With their own depthwise convolutions, whose strides may differ."""
    ready_for_tiles(monkeypatch)
    model = Filtered(size, channels=2, activation="relu").model()
    target = TARGETS[name]
    chosen = replace(target, lowering={minimal_filtering.NAME: (form,)}, never=frozenset())
    low = lower_program(program_of(model, signature_of(model).fixed()), chosen)
    assert [entry.form for entry in low.notes] == [form]
    path = tmp_path / f"m{target.suffix}"
    convert(low, path, chosen, Options())
    x = noise(1, *size, 2)
    runner = runtimes.load(path)
    (actual,) = runner({"image": x}).values()
    assert_close(actual, np.asarray(model(x)), of_range=OF_RANGE)
    if name == "tflite":
        assert runner.delegate_partitions() == 1
    elif form == "4 by 6" and size[0] % 4 == 0:
        # the rows are put together without a transpose of their own
        assert runner.operator_counts().get("Transpose", 0) <= 3


# Not strict: whether TensorFlow has the kernel differs between processors.
@pytest.mark.xfail(reason="a depthwise convolution with strides (m, 1)")
def test_minimal_filtering_in_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minimal_filtering, "MIN_CHANNELS", 1)
    assert check_filtering(Filtered((4, 3)))
