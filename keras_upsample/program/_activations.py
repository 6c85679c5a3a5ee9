"""Activations that commute with rearrangements of pixels or channels."""

from collections.abc import Sequence
from typing import Any

# Keras' activations that act on every number by itself,
_BY_ELEMENT = (
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "tanh",
    "tanh_shrink",
    "threshold",
)
# and on every pixel by itself.
_BY_PIXEL = ("log_softmax", "softmax", "sparsemax")


def by_element(activation: Any) -> bool:
    """Whether an activation may go before a shuffle: it mixes neither channels nor pixels.

    Of a function that is not Keras' own nothing is known.
    """
    return activation is None or _is_one_of(activation, _BY_ELEMENT)


def by_pixel(activation: Any) -> bool:
    """Whether an activation may go before a copy of pixels: it mixes at most channels."""
    return by_element(activation) or _is_one_of(activation, _BY_PIXEL)


def _is_one_of(activation: Any, names: Sequence[str]) -> bool:
    import keras

    return any(activation is getattr(keras.activations, name, None) for name in names)
