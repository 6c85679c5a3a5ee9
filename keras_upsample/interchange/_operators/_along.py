"""Constant matrices along an axis of a value."""

from typing import Any

import numpy as np

from .._axis_layers import AlongAxis
from .._context import Context
from .._value import Value


def along_axis(c: Context, x: Value, axis: int, matrix: np.ndarray, suffix: str = "") -> Value:
    """y[.., i, ..] = Σ_k M[i, k] x[.., k, ..] along an axis of ONNX."""
    layer: Any = AlongAxis(x.stored_axis(axis), matrix.shape[0], name=f"{c.name}{suffix}")
    tensor = c.call(layer, x.tensor)
    layer.matrix.assign(matrix.astype("float32"))
    return c.like(x, tensor, positive=x.positive and bool((matrix >= 0).all()))
