"""Rules about upsampling: every form against the oracle and against the model."""

from dataclasses import replace
from typing import Any

import keras
import pytest
import reference
from keras import layers
from linear_cases import chain, conv
from lowering_checks import (
    assert_same,
    check,
    check_forms,
    count,
    model_of,
    names_of,
    proposals,
    target,
)
from transposed_cases import (
    DECONVOLUTION,
    TRANSPOSED,
    Geometry,
    check_deconvolution,
    check_transposed,
    random_transposed,
)
from upsampling_cases import (
    NEAREST,
    SHUFFLE,
    SUBPIXEL,
    Nearest,
    Subpixel,
    check_nearest,
    check_shuffle,
    check_shuffle_behind,
    check_subpixel,
    random_nearest,
    ready_for_filtering,
)

from keras_upsample.layers import SubpixelConv2D, TransposedConv2D
from keras_upsample.lowering import lower
from keras_upsample.lowering._rules import (
    minimal_filtering,
    nearest,
    pointwise,
    shuffle,
    subpixel,
    transposed,
)


@pytest.mark.parametrize("case", NEAREST, ids=str)
def test_nearest(case: Nearest) -> None:
    forms = check_nearest(case)
    rows, columns = case.scale
    assert ("shuffle" in forms) == (rows == columns)
    assert "transposed" in forms
    assert any(form.startswith("interleaved") for form in forms) == interleaves(case)


def interleaves(case: Nearest) -> bool:
    """Its sizes are multiples of the factors, and it is not for too many convolutions."""
    grown = [0 if case.padding == "same" else 1 - k for k in case.kernel]
    whole = all(g % s == 0 for g, s in zip(grown, case.scale, strict=True))
    # Beside a skip convolutions have the stride, and NPUs none above 3.
    return whole and not case.lateral and (case.joined is None or max(case.scale) < 4)


def test_lateral_connections_that_cost_more_are_left() -> None:
    """Of 2 channels the phases save less than the second 3x3 convolution costs."""
    for skips, pays in [((2,), True), ((9,), False)]:
        model = Nearest(joined="Conv2D", channels=8, skips=skips).model()
        assert proposals(model, nearest)["shuffle"].pays == pays


@pytest.mark.parametrize("seed", range(12))
def test_nearest_at_random(seed: int) -> None:
    assert {"transposed", "shuffle"} <= check_nearest(random_nearest(seed))


@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_transposed(case: Geometry) -> None:
    assert check_transposed(case)


@pytest.mark.parametrize("seed", range(12))
def test_transposed_at_random(seed: int) -> None:
    assert check_transposed(random_transposed(seed))


def test_dense_form_where_the_crop_is_no_multiple_of_the_stride() -> None:
    assert check_transposed(Geometry((5, 5), (2, 2))) == {"shuffle", "dense", "interleaved"}
    assert check_transposed(Geometry((6, 6), (2, 2))) == {"shuffle", "interleaved"}


def test_phases_of_their_own_in_few_convolutions() -> None:
    """Neighbours in a row that read the same pixels are one; 6x6 phases would be too many."""
    assert "interleaved" in check_transposed(Geometry((3, 3), (3, 3)))
    assert "interleaved 2x2" in check_transposed(Geometry((2, 2), (2, 2)))
    assert "interleaved" in check_transposed(Geometry((8, 8), (4, 4)))
    assert "interleaved" not in check_transposed(Geometry((9, 9), (6, 6)))


@pytest.mark.parametrize("case", DECONVOLUTION, ids=str)
def test_deconvolution(case: Geometry) -> None:
    assert check_deconvolution(case) == {"resize"}


def test_deconvolution_of_one_channel() -> None:
    assert check_deconvolution(DECONVOLUTION[0], channels=1) == {"resize"}


@pytest.mark.parametrize("case", SUBPIXEL, ids=str)
def test_subpixel(case: Subpixel) -> None:
    check_subpixel(case)


@pytest.mark.parametrize("case", SHUFFLE, ids=str)
def test_shuffle(case: tuple) -> None:
    assert check_shuffle(case) == {"one-hot transposed", "interleaved"} - (
        {"interleaved"} if case[2] == "crd" else set()
    )


def test_shuffle_of_keras() -> None:
    if not hasattr(keras.ops, "depth_to_space"):
        pytest.skip("this Keras has none")
    model = model_of(lambda x: keras.ops.depth_to_space(x, 2), 3, 4, 8)
    forms = check_forms(model, shuffle, lambda x: reference.pixel_shuffle(x, 2))
    assert forms == {"one-hot transposed", "interleaved"}


@pytest.mark.parametrize("order", ["dcr", "crd"])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_shuffle_behind_a_convolution(order: str, activation: str | None) -> None:
    assert check_shuffle_behind(2, order, activation) == {"by rows"}
    assert check_shuffle_behind(3, order, activation, use_bias=False) == {"by rows"}


def test_shuffle_behind_what_mixes_channels() -> None:
    assert "by rows" not in check_shuffle_behind(2, "crd", "softmax")


def running_sum(x: Any) -> Any:
    """An activation of the user's own that looks at other pixels."""
    return keras.ops.cumsum(x, axis=2)


@pytest.mark.parametrize("activation", [running_sum, layers.LeakyReLU(0.3)], ids=["sum", "layer"])
def test_activations_of_which_nothing_is_known(
    activation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They act on what they acted on before, in every rule that moves them."""
    ready_for_filtering(monkeypatch)
    up = layers.UpSampling2D(2)
    stacks = [
        (nearest, chain(up, conv(2, 3, activation=activation))),
        (transposed, layers.Conv2DTranspose(2, 2, 2, activation=activation)),
        (minimal_filtering, conv(2, padding="same", activation=activation)),
        (pointwise, chain(up, conv(2, 1, activation=activation))),
        (subpixel, SubpixelConv2D(2, activation=activation)),
    ]
    for rule, stack in stacks:
        assert check_forms(model_of(stack, 4, 5, 3), rule), rule.NAME


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_what_was_chosen_is_not_taken_apart(padding: str) -> None:
    stack = chain(layers.UpSampling2D(2), conv(2, 3, padding=padding))
    forms = {nearest.NAME: "transposed", transposed.NAME: "shuffle"}
    lowered = check(model_of(stack, 3, 4, 2), nearest, forms=forms)
    assert names_of(lowered) == [nearest.NAME]
    assert count(lowered.model, TransposedConv2D) == 1


def test_the_first_form_that_is_possible_is_taken() -> None:
    chosen = replace(target(), lowering={transposed.NAME: ("dense", "shuffle")})
    taken = {}
    for kernel in (2, 5):
        layer = layers.Conv2DTranspose(2, kernel, 2, padding="same")
        model = model_of(layer, 3, 4, 2)
        lowered = lower(model, chosen)
        assert_same(lowered, model)
        taken[kernel] = [entry.form for entry in lowered.applied]
    assert taken == {2: ["shuffle"], 5: ["dense"]}
