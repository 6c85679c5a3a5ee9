"""`Metadata` as a value: checks, JSON, scalings."""

import json

import numpy as np
import pytest

from keras_upsample.metadata import IMAGENET, Input, Metadata, Output, Scaling, as_lines

FULL = Metadata(
    "cells",
    version="3",
    task="segmentation",
    inputs=(
        Input(
            "image", (None, 64), ("stain", "light"), "nchw", "uint8", (0, 255), Scaling("stored")
        ),
        Input("scale", scaling=Scaling.mean_std((0.1, 0.2), (0.5, 0.25))),
    ),
    outputs=(
        Output("logits", "logits", ("a", "b"), ((0, 0, 0), (255, 1, 2)), 0.25),
        Output("depth", "regression", value_range=(0.5, 80), unit="m"),
    ),
    preprocessing="in words",
    description="Zellen, größer",
    licence="BSD-3",
    training_data="frames",
    preset="unet:cells",
)


def test_json_holds_everything():
    text = FULL.to_json()
    assert Metadata.from_json(text) == FULL
    assert json.loads(text)["written_by"].startswith("keras_upsample ")
    assert Metadata.from_json(text).written_by.startswith("keras_upsample ")


def test_facts_that_a_later_version_added_are_left_out():
    plain = FULL.to_dict() | {"mood": "good"}
    plain["inputs"][0]["lens"] = "wide"
    assert Metadata.from_dict(plain) == FULL


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no JSON"),
        (b"\xff\xfe{", "no JSON"),
        ("[1]", "no metadata"),
        ('{"name": "x"}', "no metadata"),
        ('{"format": 2}', "later"),
        ('{"format": 1, "inputs": [3]}', "damaged"),
        ('{"format": 1, "task": "cooking"}', "`task` must be one of 'segmentation'"),
    ],
)
def test_damaged_json_is_refused_in_one_line(text, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        Metadata.from_json(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Metadata(task="detection"), "`task` must be one of"),
        (lambda: Output(kind="scores"), "`kind` must be one of"),
        (lambda: Output(class_names="ab"), "`class_names` must be a list"),
        (lambda: Output(colours=((0, 0, 256),)), "`colours`"),
        (lambda: Input(layout="chwn"), "`layout`"),
        (lambda: Input(size=(0, 3)), "`size`"),
        (lambda: Input(value_range=(1, 0)), "`value_range`"),
        (lambda: Scaling("sigma"), "`base` must be one of"),
        (lambda: Scaling(scale=(0,)), "`scale` must not be 0"),
        (lambda: Scaling(scale=(1, 2), offset=(1, 2, 3)), "one a channel"),
        (lambda: Scaling(scale=("x",)), "finite numbers"),
        (lambda: Scaling(percentiles=(90, 10)), "percentiles"),
        (lambda: Scaling.mean_std((0, 0), (1,)), "as many numbers"),
        (lambda: Scaling.mean_std((0,), (0,)), "above 0"),
    ],
)
def test_what_can_not_be_meant_is_refused(make, reason):
    with pytest.raises(ValueError, match=reason):
        make()


def test_imagenet_is_what_torchvision_publishes():
    u = np.array([0.0, 0.5, 1.0])[:, None]
    y = u * np.array(IMAGENET.scale) + np.array(IMAGENET.offset)
    expected = (u - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    low, high = IMAGENET.value_range
    np.testing.assert_allclose([low, high], [expected.min(), expected.max()])


def test_a_scaling_says_what_range_it_gives():
    assert Scaling().value_range == (0, 1)
    assert Scaling.to_range(-1, 1).value_range == (-1, 1)
    assert Scaling(scale=(-2,), offset=(1, 3)).value_range == (-1, 3)
    assert Scaling("stored").value_range is None
    assert Input(scaling=Scaling.to_range(0, 255)).value_range == (0, 255)


def test_lines_name_every_fact():
    text = "\n".join(as_lines(FULL))
    for part in (
        "segmentation",
        "BSD-3",
        "stain, light",
        "0 to 255",
        "a, b",
        "#ff0102",
        " m of depth",
    ):
        assert part in text
    assert list(as_lines(Metadata())) == ["version        1"]
