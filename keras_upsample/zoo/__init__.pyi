from ._catalogue import CATALOGUE
from ._cost import multiply_adds
from ._espcn import espcn
from ._fcn8s import fcn8s
from ._fcn16s import fcn16s
from ._fcn32s import fcn32s
from ._presets import PRESETS, Preset, preset_named
from ._unet import unet

__all__ = [
    "CATALOGUE",
    "PRESETS",
    "Preset",
    "espcn",
    "fcn8s",
    "fcn16s",
    "fcn32s",
    "multiply_adds",
    "preset_named",
    "unet",
]
