from ._cross_entropy_and_dice import CrossEntropyAndDice
from ._focal import Focal
from ._lovasz import LovaszSoftmax
from ._tversky import Tversky

__all__ = ["CrossEntropyAndDice", "Focal", "LovaszSoftmax", "Tversky"]
