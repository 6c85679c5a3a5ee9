from ._check import DEVICES, check
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
