"""Errors of our own steps: noted where the export can go on, raised in tests."""

import os

VARIABLE = "KERAS_UPSAMPLE_STRICT"
LEFT_OUT = "left out after an error of its own"


def strict() -> bool:
    """Whether such errors are raised, as in tests, instead of noted: KERAS_UPSAMPLE_STRICT=1."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def as_reason(error: Exception) -> str:
    """The error as the reason why a step was left out.

    Raises:
        Exception: the error itself, where `strict` says so.
    """
    from ..errors import first_line

    if strict():
        raise error
    return f"{LEFT_OUT}: {first_line(error)}"
