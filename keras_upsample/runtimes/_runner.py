"""`Runner`, the interface of all runtimes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from .._text import printable
from ..errors import ArtefactError, first_line


@dataclass(frozen=True)
class TensorInfo:
    """Name, shape (`None` = any size) and NumPy dtype of one input or output of an artefact."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape fits this tensor."""
        return len(shape) == len(self.shape) and all(
            want is None or want == got for want, got in zip(self.shape, shape, strict=True)
        )


class Runner(Protocol):
    """A loaded artefact."""

    runtime: str
    """Name and version of the runtime, e.g. `"LiteRT 2.3.0"`."""
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    ordered: bool
    """Whether their order is the file's own. TensorFlow's signatures have none but what our
    metadata says."""
    layout: str
    """`"nhwc"` or `"nchw"`: the layout of the artefact's own rank-4 inputs and outputs."""
    layout_known: bool
    """Whether the file says its layout, or its shapes leave no doubt."""
    path: Path
    """Where the file stands."""

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run once. Arrays have the artefact's own layout; results are in the order of `outputs`
        and are not overwritten by later calls.

        Threads may share a runner: each gets the results for its own arrays.
        """
        ...

    def operator_counts(self) -> dict[str, int]:
        """Operator -> how often it occurs in the graph that the runtime executes."""
        ...


@contextmanager
def load_errors(
    path: Path, runtime: str, reason: Callable[[BaseException], str] = first_line
) -> Iterator[None]:
    """Context manager that turns any error into an `ArtefactError` of one line.

    The runtimes' errors share no base class, and damaged files cause errors of many kinds (names
    that are not UTF-8, unknown types).
    """
    try:
        yield
    except Exception as error:
        raise ArtefactError(
            f"`{printable(path)}` can't be loaded by {runtime}: {reason(error)}"
        ) from error


def cpu_threads() -> int:
    """Number of processors that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
