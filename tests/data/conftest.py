"""The wheel "toy", and the real sets where they can be had."""

import os
import subprocess
import sys

import pytest
from toy_wheel import Toy, make_wheel

from keras_upsample.data import cached

REAL = ("cells", "nuclei", "nuclei_stardist")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    store = tmp_path / "store"
    store.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(store))
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    made = Toy(make_wheel(store), tmp_path / "cache", monkeypatch)
    made.enter()
    return made


@pytest.fixture(scope="session")
def real():
    """The real sets in the user's cache; tried once, not for long."""
    missing = [name for name in REAL if not cached(name)]
    if missing:
        command = "import sys; from keras_upsample.data import fetch; [*map(fetch, sys.argv[1:])]"
        try:
            done = subprocess.run(
                [sys.executable, "-c", command, *missing],
                env=os.environ | {"PIP_RETRIES": "1", "PIP_DEFAULT_TIMEOUT": "10"},
                capture_output=True,
                text=True,
                timeout=120,
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"{', '.join(missing)}: not in the cache, and not here in 120 s")
        if done.returncode:
            why = done.stderr.strip().splitlines()[-1]
            pytest.skip(f"{', '.join(missing)}: not in the cache, and not to be had: {why}")
