"""Folders for temporary files, which go even where their process was killed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ._workshop import workshop


def scratch() -> AbstractContextManager[Path]:
    """A new folder where the system keeps temporary files, removed at the end.

    A process that is killed leaves it there; the next process that asks for one removes it.
    """
    return workshop(Path(tempfile.gettempdir()), "keras_upsample")


@contextmanager
def all_temporary_files() -> Iterator[None]:
    """Put those of libraries, and of child processes, into such a folder too.

    TensorFlow's AutoGraph, for one, keeps a file until its process ends by itself.
    """
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    with scratch() as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before
            if variable is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = variable
