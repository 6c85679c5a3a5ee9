"""Operators in all their forms, against ONNX Runtime and ONNX' reference evaluator."""

import operator_forms as forms
import pytest
from many_nodes import check_forms

SHORT = {
    "resizes to the nearest": (forms.RESIZES["nearest"][::11], forms.IMAGE),
    "linear resizes": (forms.RESIZES["linear"][::4], forms.IMAGE),
    "cubic resizes": (forms.RESIZES["cubic"][::9], forms.IMAGE),
    "resizes with antialias": (forms.RESIZES["antialias"][::3], forms.IMAGE),
    "pools": (forms.POOLS[::7], forms.IMAGE),
    "transposed convolutions": (forms.TRANSPOSED, forms.IMAGE),
    "convolutions": (forms.CONVOLUTIONS[::4], forms.IMAGE),
    "pads": (forms.PADS, forms.IMAGE),
    "slices": (forms.SLICES, forms.IMAGE),
    "reductions": (forms.REDUCTIONS[::5], forms.IMAGE),
    "activations": (forms.ACTIVATIONS, forms.IMAGE),
    "arithmetic": (forms.ARITHMETIC, forms.IMAGE),
    "lines": (forms.OF_LINES[::3], forms.LINE),
    "volumes": (forms.OF_VOLUMES[::3], forms.VOLUME),
}

WHOLE = {
    **{f"{name} resizes": (each, forms.IMAGE) for name, each in forms.RESIZES.items()},
    "pools": (forms.POOLS, forms.IMAGE),
    "convolutions": (forms.CONVOLUTIONS, forms.IMAGE),
    "reductions": (forms.REDUCTIONS, forms.IMAGE),
    "lines": (forms.OF_LINES, forms.LINE),
    "volumes": (forms.OF_VOLUMES, forms.VOLUME),
}

OPSET = 19  # the first with "wrap" and dilated averages


@pytest.mark.parametrize("name", SHORT)
def test_forms(name, tmp_path):
    check_forms(tmp_path, *SHORT[name], opset=OPSET)


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_all_forms(name, tmp_path):
    check_forms(tmp_path, *WHOLE[name], opset=OPSET)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(6, 1, 1), (6, 1, 10), (6, 2, 3)])
@pytest.mark.parametrize("name", ["nearest", "linear", "cubic"])
def test_resizes_of_small_images(name, size, tmp_path):
    to_sizes = [form for form in forms.RESIZES[name] if form.constants[1] is None]
    check_forms(tmp_path, to_sizes[::3], size, opset=OPSET)
