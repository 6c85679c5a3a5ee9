from ._catalogue import CATALOGUE
from ._cost import multiply_adds
from ._fcn8s import fcn8s
from ._fcn16s import fcn16s
from ._fcn32s import fcn32s
from ._unet import unet

__all__ = ["CATALOGUE", "fcn8s", "fcn16s", "fcn32s", "multiply_adds", "unet"]
