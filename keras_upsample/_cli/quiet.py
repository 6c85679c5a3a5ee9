"""Keep native libraries' log lines off the user's screen."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from .screen import screen

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def quiet(verbose: bool = False) -> Iterator["Console"]:
    """Inside, whatever TensorFlow and LiteRT write to file descriptor 2 goes to a scratch file.

    They log from C++, past Python's `sys.stderr`, before any setting of theirs can reach them.
    The console that is handed out writes to the real standard error. If the block ends in an
    error that no command expected, the last lines of the log are shown after all.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if verbose:
        yield screen(stderr=True)
        return
    sys.stderr.flush()
    real = os.dup(2)
    with tempfile.TemporaryFile("w+b") as log, os.fdopen(real, "w", closefd=False) as shown:
        os.dup2(log.fileno(), 2)
        try:
            yield screen(file=shown)
        except (KeyboardInterrupt, SystemExit, typer.Exit, typer.Abort):
            raise
        except BaseException:
            sys.stderr.flush()
            log.seek(0)
            shown.write(log.read()[-4000:].decode("utf-8", "replace"))
            raise
        finally:
            sys.stderr.flush()
            shown.flush()
            os.dup2(real, 2)
    os.close(real)
