"""The errors of this package that are not plain `ValueError` or `TypeError`.

Bad arguments raise `ValueError` or `TypeError`, as everywhere in Keras. The classes here are for
errors after the arguments were accepted.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Any


class ExportError(RuntimeError):
    """A model could not be exported to an artefact, and this artefact was not written.

    Attributes:
        report: the `ExportReport` of all targets; set by `keras_upsample.export.export`, else
            None.
    """

    report: Any = None


class VerificationError(ExportError):
    """An artefact's outputs differ from the model's by more than the gate allows.

    An export that raises it has not written the artefact.

    Attributes:
        verification: the `Verification` with the differences; None if there is none.
    """

    verification: Any = None


class ArtefactError(ValueError):
    """A model file can't be loaded or run: it is missing, truncated or of another kind."""


class InputShapeError(ArtefactError):
    """A model file leaves sizes open that must be known to read it: pass `input_shape`."""


class FetchError(OSError):
    """Files could not be downloaded, have an unexpected content, or can't be stored."""


class HubError(OSError):
    """A model hub can't be reached, refuses, or does not hold what it states."""


class EngineError(RuntimeError):
    """An engine that predicts many images failed, or can't be started as it was asked to."""


def did_you_mean(name: Any, allowed: Iterable[str]) -> str:
    """` Did you mean 'this'?` if an allowed name is similar, else an empty text."""
    close = difflib.get_close_matches(str(name), list(allowed), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def first_line(error: BaseException) -> str:
    """The first informative line of an error's text; the error's type if it has no text.

    Keras wraps a layer's error: the first line names the layer, the next (in bold) the reason. An
    error of a TensorFlow graph begins with a trace; the reason is above the node's name in
    brackets.
    """
    plain = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        return f"{lines[0]} {lines[1]}"
    if lines and lines[0].endswith("execution error:"):
        node = next((i for i, line in enumerate(lines) if line.startswith("[[{{node")), 1)
        return lines[max(node - 1, 0)]
    return lines[0] if lines else type(error).__name__
