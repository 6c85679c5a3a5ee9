"""Paths for libraries that take some names for something else."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ._scratch import scratch

_SPECIAL = re.compile(r"[\[\]*?\ud800-\udfff]" if os.sep == "\\" else r"[\[\]*?\\\ud800-\udfff]")


@contextmanager
def plain_path(path: Path) -> Iterator[Path]:
    """A path, or a link to it for as long as it is needed.

    TensorFlow takes `[1]` in the path of a SavedModel for a pattern of names. It, ONNX and ONNX
    Runtime take no path at all that is not UTF-8.

    Args:
        path: what is to be read, or, with a plain name, to be written in a folder that is there.
    """
    whole = path.absolute()
    if not _SPECIAL.search(str(whole)):
        yield path
        return
    with scratch() as folder:
        link = folder / "link"
        if _SPECIAL.search(whole.name):
            link = link.with_suffix(whole.suffix)
            link.symlink_to(whole)
            yield link
        else:  # with what is beside it
            link.symlink_to(whole.parent)
            yield link / whole.name
