"""ONNX' own cases of its operators: passed, refused, and none wrong."""

from collections import Counter

import numpy as np
import onnxruntime
import pytest
from node_cases import Outcomes, cases, run
from onnx_files import last

from keras_upsample import interchange

PASSED = {False: 256, True: 75}
"""Plain cases and expanded ones that are read, at least; docs/interchange.md has the first."""

DISPUTED = {
    "test_averagepool_2d_ceil_last_window_starts_on_pad": "its values have four digits",
    "test_resize_downsample_scales_linear_align_corners": "see `operator_forms.resize`",
    "test_resize_downsample_scales_cubic_align_corners": "see `operator_forms.resize`",
}
"""Cases whose values ONNX Runtime does not compute either; ours are ONNX Runtime's."""


def outcomes(expanded, path):
    result = Outcomes()
    for case in cases(expanded):
        run(case, path, result)
    return result


def check(result, expanded):
    assert set(result.wrong) <= set(DISPUTED), result.wrong
    assert result.counts["passed"] >= PASSED[expanded], result.counts
    unnamed = [text for text in result.refused.values() if "can't be" not in text]
    assert all("No model was returned" in t or "ONNX Runtime" in t or "the output" in t
               for t in unnamed), unnamed  # fmt: skip


@pytest.mark.slow
def test_plain_cases(tmp_path):
    check(outcomes(False, tmp_path / "case.onnx"), False)


@pytest.mark.slow
def test_operators_written_as_the_nodes_that_define_them(tmp_path):
    check(outcomes(True, tmp_path / "case.onnx"), True)


@pytest.mark.slow
def test_disputed_cases_are_as_in_onnx_runtime(tmp_path):
    found = [case for case in cases(False) if case.name in DISPUTED]
    assert Counter(case.name for case in found) == Counter(DISPUTED.keys())
    for case in found:
        result = Outcomes()
        run(case, tmp_path / "case.onnx", result)
        assert result.counts == {"wrong": 1}
        path = str(tmp_path / "case.onnx")
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        wanted = session.run(None, {session.get_inputs()[0].name: case.x})[0]
        model = interchange.from_onnx(path)
        np.testing.assert_allclose(model(last(case.x)), last(wanted), rtol=0, atol=1e-5)
