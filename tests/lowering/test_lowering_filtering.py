"""Minimal filtering: against the oracle, its numbers exactly, and in the runtime it is for."""

from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compare import assert_close
from keras import layers
from lowering_checks import OF_RANGE, noise, proposals
from upsampling_cases import FILTERED, Filtered, check_filtering, ready_for_filtering

from keras_upsample import runtimes
from keras_upsample.export._artefact import Options, convert
from keras_upsample.export._signature import signature_of
from keras_upsample.export.targets import TARGETS
from keras_upsample.lowering._lower import lowered
from keras_upsample.lowering._rules import minimal_filtering


@pytest.mark.parametrize("case", FILTERED, ids=str)
def test_minimal_filtering(case: Filtered, monkeypatch: pytest.MonkeyPatch) -> None:
    ready_for_filtering(monkeypatch)
    width = case.size[1]
    assert check_filtering(case) == {f"{m} by {m + 2}" for m in (2, 4) if m <= width}


def fractions_of(table: Any) -> list[list[Fraction]]:
    """The exact numbers that a matrix of floats means."""
    exact = [[Fraction(x).limit_denominator(24) for x in row] for row in table.tolist()]
    assert [[float(x) for x in row] for row in exact] == table.tolist()
    return exact


@pytest.mark.parametrize("m", [2, 4])
def test_the_matrices_of_minimal_filtering(m: int) -> None:
    """y_j = sum_t k_t d_(j + t), so that sum_i A_ji G_it B_id is 1 where d = j + t, else 0."""
    a, b, g = (fractions_of(getattr(minimal_filtering, name)[m]) for name in "ABG")
    assert (len(a), len(g[0]), len(b[0])) == (m, 3, m + 2)
    for j, t, d in product(range(m), range(3), range(m + 2)):
        total = sum(a[j][i] * g[i][t] * b[i][d] for i in range(m + 2))
        assert total == (d == j + t), (j, t, d)


@pytest.mark.parametrize("m", [2, 4])
def test_the_biases_of_the_products_add_up_to_one(m: int) -> None:
    a = fractions_of(minimal_filtering.A[m])
    bias = [Fraction(x) for x in minimal_filtering.BIAS[m]]
    assert [sum(x * b for x, b in zip(row, bias, strict=True)) for row in a] == [1] * m


class OnArrays:
    """In place of an emitter: computes what the layers would."""

    name, policy = "exact", None

    def call(self, layer: Any, *arrays: Any) -> Any:
        if isinstance(layer, layers.Rescaling):
            return arrays[0] * Fraction(layer.scale)
        first, second = arrays
        return first + second if isinstance(layer, layers.Add) else first - second


@pytest.mark.parametrize("m", [2, 4])
def test_the_sums_of_the_products_are_those_of_the_matrix(m: int) -> None:
    units = [np.array([Fraction(int(i == j)) for i in range(m + 2)]) for j in range(m + 2)]
    rows = minimal_filtering._outputs(OnArrays(), units, m)
    assert [list(row) for row in rows] == minimal_filtering.A[m].tolist()


def test_many_channels_are_needed() -> None:
    least = minimal_filtering.MIN_CHANNELS
    assert least >= 32
    for channels, filters in [(least, least), (least - 1, least), (least, least - 1)]:
        model = Filtered((2, 4), channels=channels, filters=filters).model()
        enough = min(channels, filters) == least
        assert bool(proposals(model, minimal_filtering)) == enough


@pytest.mark.parametrize("form", ["2 by 4", "4 by 6"])
def test_minimal_filtering_in_the_runtime_that_it_is_for(
    form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With LiteRT's own depthwise convolution, whose strides may differ."""
    monkeypatch.setattr(minimal_filtering, "MIN_CHANNELS", 1)
    model = Filtered((3, 9), channels=2, activation="relu").model()
    chosen = replace(
        TARGETS["tflite"], lowering={minimal_filtering.NAME: (form,)}, never=frozenset()
    )
    low, signature = lowered(model, signature_of(model).fixed(), chosen)
    assert [entry.form for entry in low.applied] == [form]
    convert(low.model, signature, tmp_path / "m.tflite", chosen, Options())
    x = noise(1, 3, 9, 2)
    (actual,) = runtimes.load(tmp_path / "m.tflite")({"image": x}).values()
    assert_close(actual, np.asarray(model(x)), of_range=OF_RANGE)


# Not strict: whether TensorFlow has the kernel differs between processors.
@pytest.mark.xfail(reason="a depthwise convolution with strides (1, m)")
def test_minimal_filtering_in_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minimal_filtering, "MIN_CHANNELS", 1)
    assert check_filtering(Filtered((3, 4)))
