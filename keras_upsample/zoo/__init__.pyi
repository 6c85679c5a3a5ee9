from ._bisenet_v2 import bisenet_v2
from ._catalogue import CATALOGUE
from ._cost import multiply_adds
from ._deeplab_v3_plus import deeplab_v3_plus
from ._dpt import dpt
from ._espcn import espcn
from ._fcn8s import fcn8s
from ._fcn16s import fcn16s
from ._fcn32s import fcn32s
from ._fpn import fpn
from ._linknet import linknet
from ._load import load
from ._manet import manet
from ._packaged import PACKAGED, PackagedPreset
from ._packaged_files import PackagedFile
from ._pan import pan
from ._presets import PRESETS, Preset, preset_named
from ._pspnet import pspnet
from ._segformer import segformer
from ._segnet import segnet
from ._unet import unet
from ._unet_plus_plus import unet_plus_plus
from ._upernet import upernet

__all__ = [
    "CATALOGUE",
    "PACKAGED",
    "PRESETS",
    "PackagedFile",
    "PackagedPreset",
    "Preset",
    "bisenet_v2",
    "deeplab_v3_plus",
    "dpt",
    "espcn",
    "fcn8s",
    "fcn16s",
    "fcn32s",
    "fpn",
    "linknet",
    "load",
    "manet",
    "multiply_adds",
    "pan",
    "preset_named",
    "pspnet",
    "segformer",
    "segnet",
    "unet",
    "unet_plus_plus",
    "upernet",
]
