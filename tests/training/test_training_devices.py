"""Training on two devices: exact when resumed, and on JAX the steps of one device."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def on_devices(backend: str, folder: Path) -> dict:
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    done = subprocess.run(
        [sys.executable, str(HERE / "on_devices.py"), backend, str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_two_replicas_of_tensorflow(tmp_path):
    found = on_devices("tensorflow", tmp_path)
    assert found["resumed"] == 0 and found["moved"] > 1e-3
    assert found["epochs"] == [3, 3] and found["scores"][0] == found["scores"][1]
    assert "Mirrored" not in found["kind"]
    refused = found["refused"]
    assert "two or more, each once. Received: CPU:0. Leave it out" in refused["one"]
    assert "must be of CPU:0, CPU:1. Received: GPU:7" in refused["unknown"]
    assert "Received: none, for all GPUs of this machine" in refused["all"]
    assert "Received: CPU:0, CPU:0" in refused["twice"]
    assert "share a batch of 3, which can't be divided. Use a batch_size of 2" in refused["odd"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "whole"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")
def test_two_devices_of_jax_are_one(tmp_path):
    found = on_devices("jax", tmp_path)
    assert found["devices"] == 2 and found["moved"] > 1e-3
    assert found["difference"] <= 1e-5 and found["resumed"] == 0
