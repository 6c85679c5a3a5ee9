"""The errors of this package that are not plain `ValueError` or `TypeError`.

Bad arguments raise `ValueError` or `TypeError`, as everywhere in Keras. The classes here say what
went wrong after the arguments were accepted.
"""

from typing import Any


class ExportError(RuntimeError):
    """A model could not be turned into an artefact; nothing was written for it.

    Attributes:
        report: set by `keras_upsample.export.export`: what the other targets gave.
    """

    report: Any = None


class VerificationError(ExportError):
    """An artefact computes something else than its model; it was not published."""


class ArtefactError(ValueError):
    """A file is no artefact that can be run here: missing, truncated or of another kind."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text that says something; its type where it has no text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
