"""The loss of the segmentation recipes, under the name that it had before `losses`."""

from ..losses import CrossEntropyAndDice

__all__ = ["CrossEntropyAndDice"]
