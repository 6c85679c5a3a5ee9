"""A task: what it is about, and the call that gives the rest of its row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Absent(Exception):
    """What a part needs is not on this machine; no failure."""


@dataclass(frozen=True)
class Task:
    """One row of the results.

    Attributes:
        about: what it measures; the row begins with it.
        run: what it found, with "passed" where that can be said.
    """

    about: dict[str, Any]
    run: Callable[[], dict[str, Any]]
