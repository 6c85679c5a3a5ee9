"""The errors of this package that are not plain `ValueError` or `TypeError`.

Bad arguments raise `ValueError` or `TypeError`, as everywhere in Keras. The classes here say what
went wrong after the arguments were accepted.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Any


class ExportError(RuntimeError):
    """A model could not be turned into an artefact; nothing was written for it.

    Attributes:
        report: set by `keras_upsample.export.export`: what the other targets gave.
    """

    report: Any = None


class VerificationError(ExportError):
    """An artefact computes something else than its model; it was not published.

    Attributes:
        verification: what was compared and found.
    """

    verification: Any = None


class ArtefactError(ValueError):
    """A file is no artefact that can be run here: missing, truncated or of another kind."""


class FetchError(OSError):
    """Files could not be downloaded, are not the expected ones, or can't be kept."""


def did_you_mean(name: Any, allowed: Iterable[str]) -> str:
    """` Did you mean 'this'?` for a slip of the pen, else nothing."""
    close = difflib.get_close_matches(str(name), list(allowed), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def first_line(error: BaseException) -> str:
    """The first line of an error's text that says something; its type where it has no text.

    Keras wraps a layer's error: its first line names the layer, the next (in bold) the reason. A
    TensorFlow graph gives a trace first, and the reason above the node's name in brackets.
    """
    plain = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        return f"{lines[0]} {lines[1]}"
    if lines and lines[0].endswith("execution error:"):
        node = next((i for i, line in enumerate(lines) if line.startswith("[[{{node")), 1)
        return lines[max(node - 1, 0)]
    return lines[0] if lines else type(error).__name__
