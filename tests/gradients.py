"""The gradient of a scalar function on whichever backend Keras runs."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def gradient(function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """d function(x) / d x."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        variable = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            value = function(variable)
        return tape.gradient(value, variable).numpy()
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(function)(x))
    import torch

    variable = torch.tensor(x, requires_grad=True)
    function(variable).backward()
    return variable.grad.numpy()
