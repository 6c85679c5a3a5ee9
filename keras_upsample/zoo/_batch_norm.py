"""The momentum of batch normalization."""

from typing import Any

import keras

RANDOM_ENCODER = 0.9
"""Momentum of networks whose encoder starts from random weights.

Inference uses running values r, which each training step moves, r <- m r + (1 - m) b, b of the
batch. After 120 steps a share m^120 of the starting values 0 and 1 is left: 0.30 at Keras' 0.99,
0.89 at MobileNetV2's 0.999, 3e-6 at 0.9. Pretrained encoders begin with running values that are
right already; those of a random one are off by factors, which multiply from layer to layer.
"""


def with_momentum(model: Any, given: float | None, *, random_encoder: bool) -> Any:
    """`model` with the momentum `given` in all its batch normalization.

    Args:
        model: the network, changed in place.
        given: None for `RANDOM_ENCODER` with a random encoder, else for the layers' own momentum.
        random_encoder: whether its encoder is one of `keras.applications` with random weights.
    """
    momentum = RANDOM_ENCODER if given is None and random_encoder else given
    if momentum is not None:
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = momentum
    return model
