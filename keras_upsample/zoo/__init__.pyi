from ._catalogue import CATALOGUE
from ._cost import multiply_adds
from ._deeplab_v3_plus import deeplab_v3_plus
from ._espcn import espcn
from ._fcn8s import fcn8s
from ._fcn16s import fcn16s
from ._fcn32s import fcn32s
from ._fpn import fpn
from ._linknet import linknet
from ._load import load
from ._packaged import PACKAGED, PackagedPreset
from ._presets import PRESETS, Preset, preset_named
from ._segnet import segnet
from ._unet import unet
from ._unet_plus_plus import unet_plus_plus

__all__ = [
    "CATALOGUE",
    "PACKAGED",
    "PRESETS",
    "PackagedPreset",
    "Preset",
    "deeplab_v3_plus",
    "espcn",
    "fcn8s",
    "fcn16s",
    "fcn32s",
    "fpn",
    "linknet",
    "load",
    "multiply_adds",
    "preset_named",
    "segnet",
    "unet",
    "unet_plus_plus",
]
