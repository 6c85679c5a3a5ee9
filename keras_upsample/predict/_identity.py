"""A digest of a model, so that results of two models are not confused."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .._others._keras import flatten_layers


def of_model(model: Any) -> str:
    """SHA-256 of a Keras model's weights and configuration, without the names of layers."""
    result = hashlib.sha256()
    for weight in model.weights:
        values = np.ascontiguousarray(weight)
        result.update(f"{values.shape} {values.dtype} ".encode())
        result.update(values.tobytes())
    result.update(_configuration(model).encode())
    return result.hexdigest()


def _configuration(model: Any) -> str:
    """The configuration as JSON with layers by number, because Keras makes each name unique."""
    try:
        text = json.dumps(model.get_config(), sort_keys=True, default=str)
    except Exception:  # of a subclassed model without one
        return type(model).__qualname__
    for number, layer in enumerate(flatten_layers(model)):
        text = text.replace(json.dumps(layer.name), f'"layer {number}"')
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def of_behaviour(run: Callable[[np.ndarray], np.ndarray], shape: tuple[int, int, int]) -> str:
    """SHA-256 of a function's output for noise, to 3 digits, if its content can't be read."""
    noise = np.random.default_rng(21).random(shape, "float32")
    values = np.asarray(run(noise), "float64")
    scale = float(np.abs(values).max()) or 1.0
    return hashlib.sha256(np.rint(values / scale * 1e3).astype("int32").tobytes()).hexdigest()
