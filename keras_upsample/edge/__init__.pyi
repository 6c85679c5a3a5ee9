from ._check import check
from ._devices import DEVICES
from ._report import CheckReport, Placement
from ._tflm import Arena, c_array, smallest_arena

__all__ = [
    "DEVICES",
    "Arena",
    "CheckReport",
    "Placement",
    "c_array",
    "check",
    "smallest_arena",
]
