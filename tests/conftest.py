"""Shared by all tests; must not import TensorFlow, for some run on JAX or PyTorch without it."""

import os
import random
from collections import Counter
from typing import Any

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Errors of our own are raised, where a user gets a note and the rest of the work.
os.environ.setdefault("KERAS_UPSAMPLE_STRICT", "1")
# The same forms on every machine, whatever profiles are in the package.
os.environ.setdefault("KERAS_UPSAMPLE_PROFILE", "table")


def seed_by(name: str) -> None:
    """Seed Python's generator by a name; Keras draws the seeds of its own from it.

    KERAS_UPSAMPLE_TEST_SEED, any text, makes every test and fixture draw other numbers.
    """
    random.seed(f"{os.environ.get('KERAS_UPSAMPLE_TEST_SEED', '')} {name}")


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> None:
    """Let a fixture draw the same numbers whichever tests its process ran before."""
    seed_by(f"{fixturedef.argname} {getattr(request, 'param_index', 0)}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: Any) -> None:
    """Let a test draw the same numbers whichever tests its process ran before."""
    seed_by(item.nodeid)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in which runtimes and on which devices the parity tests ran, and which were absent."""
    counts: dict[str, Counter] = {}
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            # a module that is skipped whole has no properties
            place = dict(getattr(report, "user_properties", ())).get("place")
            if place:
                counts.setdefault(place, Counter())[outcome] += 1
    if not counts:
        return
    terminalreporter.section("runtimes and devices")
    for place, outcomes in sorted(counts.items()):
        ran = outcomes["passed"] + outcomes["failed"]
        state = f"{outcomes['passed']} of {ran} techniques agree" if ran else "absent, not run"
        terminalreporter.write_line(f"{place:<22} {state}")
