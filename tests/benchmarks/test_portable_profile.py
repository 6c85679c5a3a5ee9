"""The profile for any machine: a form gains the less of its gains in time and in instructions."""

import json
import math
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


FILTERING = "minimal_filtering"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    pytest.importorskip("ai_edge_litert")
    import portable_profile

    yield portable_profile
    sys.modules.pop("portable_profile", None)


def key(rule: str, pixels: int, forms: str) -> str:
    return (
        f"{rule} | convolution at {{}}x{{}} | {pixels} {pixels} | 1x{pixels}x{pixels}x8 | {forms}"
    )


def test_the_less_of_both_gains(script, monkeypatch, tmp_path):
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    monkeypatch.setattr(script, "COUNTS", tmp_path / "counts" / "arm.json")
    about = {
        "target": "tflite", "runtime": "litert2", "instructions": ["AVX2"], "threads": 2,
        "date": "2026-01-02",
    }  # fmt: skip
    (refused,) = script.REFUSED
    both, slower = key(FILTERING, 32, f"x, y, {refused}"), key("concatenation", 16, "z")
    far, other = key("concatenation", 512, "z"), key("nearest", 32, "x")
    times = {
        both: {"as it is": 8e-3, "x": 2e-3, "y": 4e-3, refused: 1e-3},
        slower: {"as it is": 4e-3, "z": 1e-3},
        far: {"as it is": 4e-3, "z": 1e-3},  # nothing like it was counted
        other: {"as it is": 4e-3, "x": 1e-3},  # of a rule that the table decides
    }
    (tmp_path / "tflite_avx2_2threads.json").write_text(
        json.dumps({"about": about, "blocks": times})
    )
    counts = {
        both: {"as it is": 800, "x": 400, "y": 100},
        slower: {"as it is": 100, "z": 200},
        other: {"as it is": 100, "x": 50},
    }
    script.COUNTS.parent.mkdir()
    script.COUNTS.write_text(json.dumps(counts))
    content = json.loads(script.write().read_text())
    assert content["about"]["instructions"] == []
    assert "x86" not in content["about"]["runtime"] and "ARM" in content["about"]["runtime"]
    assert content["blocks"] == {
        both: {"as it is": 1.0, "x": 0.5, "y": 0.5, refused: script.REFUSED_COST},
        slower: {"as it is": 1.0, "z": 2.0},
    }

    from keras_upsample.lowering._profile import profile_of

    profile = profile_of("portable_tflite", content["about"], content["blocks"])
    (row,) = profile.gains["concatenation", "convolution at {}x{}"]
    assert row[1]["z"] == pytest.approx(-math.log(2))


def test_counts_are_kept_with_those_of_before(script, monkeypatch, tmp_path):
    from keras_upsample.lowering._tuning_cache import TuningCache
    from keras_upsample.targets import TARGETS

    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(script, "COUNTS", tmp_path / "arm.json")
    script.COUNTS.write_text(json.dumps({"old": {"as it is": 1}}))
    cache = TuningCache(TARGETS["tflite"], script.OnArm.conditions)
    cache.put("new", {"as it is": 12.0, "x": 7.0})
    script.keep_counts()
    assert json.loads(script.COUNTS.read_text()) == {
        "old": {"as it is": 1},
        "new": {"as it is": 12, "x": 7},
    }
