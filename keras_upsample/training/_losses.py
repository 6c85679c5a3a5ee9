"""The former place of the loss, kept for code that was written for it."""

from ..losses import CrossEntropyAndDice

__all__ = ["CrossEntropyAndDice"]
