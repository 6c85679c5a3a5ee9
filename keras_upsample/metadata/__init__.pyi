from ._describe import as_lines
from ._facts import KINDS, TASKS, Input, Metadata, Output
from ._model import attach, of
from ._read import read
from ._scaling import IMAGENET, Scaling

__all__ = [
    "IMAGENET",
    "KINDS",
    "TASKS",
    "Input",
    "Metadata",
    "Output",
    "Scaling",
    "as_lines",
    "attach",
    "of",
    "read",
]
