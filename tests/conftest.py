"""Shared by all tests; must not import TensorFlow, for some run on JAX or PyTorch without it."""

import os
from collections import Counter
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Errors of our own are raised, where a user gets a note and the rest of the work.
os.environ.setdefault("KERAS_UPSAMPLE_STRICT", "1")


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
