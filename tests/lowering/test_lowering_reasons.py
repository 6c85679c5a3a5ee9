"""Why a place stays as it is, errors of one rule, and the rules' names."""

import re
from pathlib import Path

import numpy as np
import pytest
from keras import layers
from lowering_checks import answers, assert_same, check, feed_of, model_of, names_of, target

from keras_upsample.layers import TransposedConv2D
from keras_upsample.lowering import lower
from keras_upsample.lowering._rules import fold, nearest, transposed
from keras_upsample.lowering._rules._all import STAGES
from keras_upsample.program._applied import KEEP
from keras_upsample.program._failures import VARIABLE

ROOT = Path(__file__).parents[2]


def up(size: int = 2) -> layers.Layer:
    return layers.UpSampling2D(size, name="up")


def conv(filters: int = 3, size: int = 3, **options) -> layers.Layer:
    options.setdefault("padding", "same")
    return layers.Conv2D(filters, size, name="conv", **options)


def shared_convolution(x):
    convolution = conv()
    return convolution(up()(x)), convolution(x)


def read_twice(x):
    y = up()(x)
    return layers.Add()([conv()(y), layers.Conv2D(3, 3, padding="same")(y)])


def added(x):
    y = up()(x)
    return layers.Add(name="sum")([y, layers.Conv2DTranspose(2, 2, 2)(x)])


def shrunk_again(x):
    return conv(strides=2)(up()(x))


def joined_and_strided(x):
    other = layers.Conv2DTranspose(2, 2, 2)(x)
    return conv(strides=2)(layers.Concatenate()([up()(x), other]))


PLACES = {
    "`nearest`: layer 'conv' is shared": shared_convolution,
    "`nearest`: more than one reads what 'up' makes": read_twice,
    "`nearest`: no convolution reads it, but Add 'sum'": added,
    "`nearest`: 'conv' has strides": shrunk_again,
    "`nearest`: 'conv' is dilated": lambda x: conv(dilation_rate=2)(up()(x)),
    "`nearest`: nothing but the model's output reads it": lambda x: up()(x),
    "`nearest`: no convolution reads it, but ReLU 'act'": lambda x: layers.ReLU(name="act")(
        up()(x)
    ),
}


@pytest.mark.parametrize("reason", PLACES)
def test_the_reason_is_the_true_one(reason: str) -> None:
    model = model_of(PLACES[reason], 5, 7, 2)
    lowered = lower(model, target({nearest.NAME: "shuffle", transposed.NAME: "shuffle"}))
    found = [entry for entry in lowered.applied if entry.layers == ("up",)]
    assert [(entry.form, entry.gain) for entry in found] == [(KEEP, reason)]
    assert_same(lowered, model)


def test_behind_a_concatenation_the_convolution_says_why() -> None:
    lowered = lower(model_of(joined_and_strided, 5, 7, 2), target())
    (entry,) = [entry for entry in lowered.applied if entry.layers == ("up",)]
    assert entry.gain == "`nearest`: 'conv' has strides"


def test_a_rule_that_the_target_leaves_out_is_named() -> None:
    model = model_of(lambda x: conv()(up()(x)), 5, 7, 2)
    (entry,) = lower(model, target(never=frozenset({nearest.NAME}))).applied
    assert entry.gain == "rule `nearest` is not for this target"


def test_a_crop_that_leaves_no_whole_phases() -> None:
    model = model_of(
        lambda x: TransposedConv2D(2, (2, 3), (3, 4), padding=(1, 1), name="up")(x), 5, 7, 2
    )
    entries = lower(model, target({transposed.NAME: "shuffle"})).applied
    assert [entry.layers for entry in entries] == [("up",)]
    assert entries[0].form == KEEP
    assert entries[0].gain.startswith("`transposed`: ")


def test_an_activity_regularizer_has_no_effect_at_inference() -> None:
    def stack(x):
        y = conv(activity_regularizer="l2", use_bias=False)(x)
        return layers.BatchNormalization()(y)

    check(model_of(stack, 5, 7, 2), fold)


def broken(*_: object) -> None:
    raise ZeroDivisionError("a bug")


def net(x):
    y = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="first")(x))
    return conv()(up()(layers.ReLU()(y)))


@pytest.mark.parametrize("rule", [fold, nearest], ids=["fold", "nearest"])
def test_a_bug_in_one_rule_takes_out_that_rule_alone(rule, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setattr(rule, "PATTERNS", (broken,))
    model = model_of(net, 6, 8, 2)
    lowered = lower(model, target({nearest.NAME: "shuffle"}))
    assert names_of(lowered) == [{fold: "nearest", nearest: "fold"}[rule]]
    notes = [e for e in lowered.applied if "left out after an error" in e.gain]
    assert [(e.rule, e.form) for e in notes] == [(rule.NAME, KEEP)]
    assert "a bug" in notes[0].gain
    assert_same(lowered, model, size=(6, 8))


def test_a_bug_while_layers_are_built_leaves_the_graph_as_it_was(monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setattr("keras_upsample.program._keras_writer._of_channels_last", broken)
    model = model_of(net, 6, 8, 2)
    lowered = lower(model, target({nearest.NAME: "shuffle"}))
    assert names_of(lowered) == ["fold"]
    feeds = feed_of(model, size=(6, 8))
    for given, wanted in zip(answers(lowered.model, feeds), answers(model, feeds), strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-4)


def test_tests_see_the_bug_itself(monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.setattr(fold, "PATTERNS", (broken,))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        lower(model_of(net, 6, 8, 2), target())


def test_a_rule_has_one_name() -> None:
    """In its module, in `applied`, in docs/lowering.md and in the tables of targets."""
    rules = {rule.NAME: rule for stage in STAGES for rule in stage}.values()
    names = [rule.NAME for rule in rules]
    assert names == [rule.__name__.rpartition(".")[2] for rule in rules]
    text = (ROOT / "docs" / "lowering.md").read_text(encoding="utf-8")
    table = text.partition("## Rules")[2].partition("## Measuring")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.M)) == sorted(names)


def test_targets_name_rules_that_there_are() -> None:
    from keras_upsample.export import TARGETS

    names = {rule.NAME for stage in STAGES for rule in stage}
    for chosen in TARGETS.values():
        assert set(chosen.lowering) | chosen.never <= names
