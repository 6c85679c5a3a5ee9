"""Every architecture of segmentation_models.pytorch on a few encoders: equal to PyTorch.

The table of docs/interchange.md is printed by benchmarks/from_smp.py, which measures the same.
"""

import sys
from pathlib import Path

import pytest
from smp_nets import load_smp

load_smp()
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from from_smp import GATE, cases, measure  # noqa: E402

ABSENT = {("UnetPlusPlus", "mit_b0"), ("Linknet", "mit_b0")}
"""Which the package itself does not build."""


@pytest.mark.slow
@pytest.mark.parametrize("pair", cases(), ids="-".join)
def test_equal_to_pytorch(pair):
    found = measure(*pair)
    if pair in ABSENT:
        assert found["outcome"] == "absent"
        return
    assert found["outcome"] == "equal", found
    assert found["error"] <= GATE
    assert found["trainable"] == found["parameters"]
