from ._devices import DEVICES, Device, device_named
from ._gate import FLOAT32_ERROR, Gate, where_activations_are_rounded, where_rounding_decides
from ._grid import Grid
from ._table import DEVICE_NAMES, TARGETS, resizable, target_named
from ._target import Target

__all__ = [
    "DEVICES",
    "DEVICE_NAMES",
    "FLOAT32_ERROR",
    "TARGETS",
    "Device",
    "Gate",
    "Grid",
    "Target",
    "device_named",
    "resizable",
    "target_named",
    "where_activations_are_rounded",
    "where_rounding_decides",
]
