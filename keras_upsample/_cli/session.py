"""What every command runs in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from .options import ModelChoice


@contextmanager
def session(choice: ModelChoice) -> Iterator[Any]:
    """Quiet libraries, TensorFlow as Keras' backend, and one line for a user's error."""
    from ..errors import ArtefactError
    from .models import UserError
    from .quiet import quiet

    os.environ["KERAS_BACKEND"] = "tensorflow"  # the only one that can export
    with quiet(choice.verbose) as console:
        try:
            yield console
        except (UserError, ArtefactError, ValueError, TypeError, OSError, ImportError) as error:
            if choice.verbose:
                raise
            console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(2) from error
