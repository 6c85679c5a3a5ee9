"""Context of every command that runs a model."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def session(verbose: bool) -> Iterator["Console"]:
    """Quiet libraries, TensorFlow as Keras' backend, and one line for a user's error."""
    from ..errors import ArtefactError
    from .models import UserError
    from .quiet import quiet

    os.environ["KERAS_BACKEND"] = "tensorflow"  # the only one that can export
    with quiet(verbose) as console:
        try:
            yield console
        except (UserError, ArtefactError, ValueError, TypeError, OSError, ImportError) as error:
            if verbose:
                raise
            console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(2) from error
