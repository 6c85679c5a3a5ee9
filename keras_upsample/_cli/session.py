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
    from ..errors import ArtefactError, first_line
    from ..files._scratch import all_temporary_files
    from .models import UserError
    from .quiet import quiet
    from .signals import end_if_asked

    expected = (UserError, ArtefactError, ValueError, TypeError, OSError, ImportError)
    os.environ["KERAS_BACKEND"] = "tensorflow"  # the only one that can export
    with quiet(verbose) as console:
        try:
            with all_temporary_files():
                yield console
        except Exception as error:
            end_if_asked()
            if isinstance(error, expected):
                text = str(error)
            elif _memory_ran_out(error):
                text = (
                    f"There is not enough memory: {first_line(error) or 'an allocation failed'}. "
                    "End other programs, or take smaller images, tiles or batches."
                )
            elif _is_of_tensorflow(error):
                text = (
                    f"TensorFlow failed: {first_line(error)}. If memory is short, end other "
                    "programs, or take smaller images, tiles or batches; --verbose shows where."
                )
            else:
                raise
            if verbose:
                raise
            console.print(text, style="red")
            raise typer.Exit(2) from error


def _memory_ran_out(error: Exception) -> bool:
    """Whether Python, NumPy or TensorFlow says that an allocation failed."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def _is_of_tensorflow(error: Exception) -> bool:
    """Whether an operator failed; where memory is short, it says all sorts of things."""
    return type(error).__module__.startswith("tensorflow.") and hasattr(error, "error_code")
