"""Each rule of the tables refuses what it names, and nothing beside it."""

from dataclasses import replace

import pytest

from keras_upsample.edge._check import _by_rule
from keras_upsample.edge._file import FileFacts, OperatorFacts, TensorFacts
from keras_upsample.targets import DEVICES

IMAGE = TensorFacts("net/x/op", (1, 32, 32, 8), "int8", False, 0, False)
KERNEL = TensorFacts("net/x/kernel", (8, 3, 3, 8), "int8", True, 576, False)
OUT = TensorFacts("net/x/out", (1, 64, 64, 8), "int8", False, 0, False)


def operator(name="ADD", **changes):
    given = {"inputs": (IMAGE,), "outputs": (OUT,), "version": 1, "options": {}, "custom": False}
    return OperatorFacts(name=name, layer="layer", **{**given, **changes})


def report(device, *operators, **facts):
    given = {"inputs": (IMAGE,), "subgraphs": 1, "size": 10, **facts}
    from pathlib import Path

    return _by_rule(Path("m.tflite"), FileFacts(tuple(operators), **given), DEVICES[device])


def shaped(*shape, kind="int8", **changes):
    return replace(IMAGE, shape=shape, kind=kind, **changes)


ACCEPTED = [
    operator(
        "CONV_2D", inputs=(IMAGE, KERNEL), options={"dilationHFactor": 2, "dilationWFactor": 2}
    ),
    operator("TRANSPOSE_CONV", inputs=(KERNEL, IMAGE), version=3),
    operator("RESIZE_BILINEAR"),
    operator("CONCATENATION", inputs=(IMAGE, IMAGE)),
    operator("CONCATENATION", inputs=(IMAGE, replace(IMAGE, constant=True, zeros=True))),
    operator("SOFTMAX", inputs=(shaped(1, 100),), outputs=(shaped(1, 100),)),
    operator("STRIDED_SLICE", options={"ellipsisMask": 0, "newAxisMask": 0}),
]
REFUSED = [
    (operator("DEPTH_TO_SPACE"), "has no DEPTH_TO_SPACE"),
    (operator("ARG_MAX"), "has no ARG_MAX"),
    (operator("DEQUANTIZE"), "has no DEQUANTIZE"),
    (operator("FlexErf", custom=True), "custom operator FlexErf"),
    (operator("ADD", outputs=(shaped(1, 4, 4, 8, kind="float32"),)), "computes with float32"),
    (operator("ADD", inputs=(shaped(1, 4, 4, 8, kind="int16"),)), "computes with int16"),
    (operator("ADD", inputs=(shaped(1, -1, 4, 8),)), "sizes are open"),
    (operator("ADD", inputs=(shaped(2, 4, 4, 8),)), "2x4x4x8"),
    (operator("CONV_2D", options={"dilationHFactor": 1, "dilationWFactor": 2}), "1 by 2"),
    (operator("TRANSPOSE_CONV", version=4), "its version is 4"),
    (operator("TRANSPOSE_CONV", options={"fusedActivationFunction": 1}), "activation is fused"),
    (operator("MAX_POOL_2D", options={"fusedActivationFunction": 3}), "activation is fused"),
    (operator("CONCATENATION", options={"fusedActivationFunction": 1}), "activation is fused"),
    (operator("CONCATENATION", inputs=(IMAGE, replace(IMAGE, constant=True))), "is constant"),
    (operator("STRIDED_SLICE", options={"newAxisMask": 1}), "new axis"),
    (operator("SOFTMAX", inputs=(shaped(1, 4, 4, 8),)), "not one dimension"),
    (operator("SOFTMAX", inputs=(shaped(1, 16_001),)), "16001 elements"),
]


@pytest.mark.parametrize("accepted", ACCEPTED, ids=lambda op: op.name)
def test_edge_tpu_accepts(accepted):
    assert report("edge_tpu", accepted).passed


@pytest.mark.parametrize(("refused", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_edge_tpu_refuses(refused, reason):
    found = report("edge_tpu", operator(), refused, operator("MUL"))
    places = [p.place for p in found.placements]
    assert places == ["accelerator", "CPU", "CPU"]
    assert reason in found.placements[1].reason
    assert "[" in found.placements[1].reason  # the source
    assert found.placements[1].remedy
    assert found.placements[2].reason == f"it runs behind {refused.name}"
    assert not found.passed
    assert "by rule, not compiled" in found.verdict
    assert "edgetpu_compiler --show_operations m.tflite" in str(found)


def test_edge_tpu_warns_of_large_resizes():
    small = report(
        "edge_tpu", operator("RESIZE_NEAREST_NEIGHBOR", outputs=(shaped(1, 128, 128, 4),))
    )
    large = report(
        "edge_tpu", operator("RESIZE_NEAREST_NEIGHBOR", outputs=(shaped(1, 129, 64, 4),))
    )
    assert small.passed and large.passed
    assert not any("refused" in note for note in small.notes)
    assert any("129x64" in note and "edgetpu#31" in note for note in large.notes)


def test_edge_tpu_looks_at_the_whole_file():
    big = replace(KERNEL, size=9_000_000)
    found = report("edge_tpu", operator("CONV_2D", inputs=(IMAGE, big)), subgraphs=2)
    assert found.problems == ("2 subgraphs; the compiler takes one",)
    assert not found.passed
    assert any("9.0 MB of parameters" in note for note in found.notes)


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (operator("ADD", inputs=(shaped(1, 2, 2, 2, 2),)), "5 dimensions"),
        (operator("ARG_MIN"), "has no ARG_MIN"),
        (operator("ADD", outputs=(shaped(1, 4, 4, 8, kind="int64"),)), "int64"),
    ],
)
def test_the_gpu_accelerator_refuses(refused, reason):
    found = report("litert_gpu", operator(), refused, operator("MUL"))
    assert [p.place for p in found.placements] == ["accelerator", "CPU", "accelerator"]
    assert reason in found.placements[1].reason


def test_the_gpu_accelerator_accepts_floats_and_shuffles():
    floats = operator("DEPTH_TO_SPACE", inputs=(shaped(1, 4, 4, 8, kind="float32"),))
    assert report("litert_gpu", floats).passed


def test_without_a_driver_wrong_operators_are_problems():
    constant = shaped(5, 6, 8, kind="float32", constant=True)
    wrong = operator(
        inputs=(shaped(5, 6, 8, kind="float32"), constant),
        outputs=(shaped(5, 6, 8, kind="float32"),),
    )
    found = report("litert_gpu", wrong)
    assert [p.place for p in found.placements] == ["accelerator"]
    assert not found.passed
    assert found.problems == (
        "known to be wrong: ADD of layer: a constant of 5x6x8, in 5x6x8 [atlas]. Remedy: "
        "constants and tensors of 4 dimensions, with axes of 1 in front",
    )


def test_rules_pass_over_what_a_damaged_operator_lacks():
    bare = operator("TRANSPOSE_CONV", inputs=(), outputs=(), options={})
    assert report("litert_gpu", bare).passed


@pytest.mark.parametrize("device", ["litert_gpu", "edge_tpu"])
@pytest.mark.parametrize("name", ["ADD", "PAD", "POW", "CUMSUM", "RESIZE_BILINEAR", "CONV_2D"])
def test_operators_of_damaged_files_may_lack_tensors(name, device):
    whole = shaped(2, 4, 4, 8, kind="int32")
    for inputs in ((), (whole,), (whole, whole)):
        found = report(device, replace(operator(name, inputs=inputs, outputs=()), layer=""))
        assert [placement.operator for placement in found.placements] == [name]


def test_a_rule_names_the_place_of_an_operator_without_outputs():
    pad = operator("PAD", inputs=(shaped(1, 4, 4, 8, kind="int32"),), outputs=())
    found = report("litert_gpu", replace(pad, layer=""))
    assert any("PAD of no layer" in line for line in found.problems)
