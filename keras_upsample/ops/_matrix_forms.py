"""Resizes as products with matrices, one for each axis that changes."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from ._backend import Size, computing_type, reshape, sizes

Matrices = Mapping[int, np.ndarray]
"""Axis of the image -> its matrix (n_out, n_in)."""


def by_pointwise(x: Any, matrices: Matrices, data_format: str) -> Any:
    """Multiply by 1x1 convolutions, or return None for "channels_first".

    With the rows of (N, W, C, H) as channels, a 1x1 convolution with the kernel M_h^T multiplies by
    M_h; then the columns of (N, H', C, W) likewise.
    """
    if data_format != "channels_last":
        return None
    dtype, compute = keras.backend.standardize_dtype(x.dtype), computing_type(x)
    x = ops.cast(x, compute)
    order = [0, 1, 2, 3]  # which axis of the image lies where
    for axis, matrix in matrices.items():
        wanted = [0, 2, 3, 1] if axis == 1 else [0, 1, 3, 2]
        x = ops.transpose(x, [order.index(a) for a in wanted])
        order = wanted
        kernel = ops.convert_to_tensor(matrix.T[None, None].astype(compute))
        x = ops.conv(x, kernel, data_format="channels_last")
    x = ops.transpose(x, [order.index(a) for a in range(4)])
    return ops.cast(x, dtype)


def by_matrix(x: Any, matrices: Matrices, data_format: str) -> Any:
    """Multiply images of a known size.

    y = M_h x M_wᵀ for every channel, with reshapes only: (N, H, W·C) for the rows, then
    (N·H', W, C) for the columns.
    """
    dtype, compute = keras.backend.standardize_dtype(x.dtype), computing_type(x)
    constants = {axis: ops.convert_to_tensor(m.astype(compute)) for axis, m in matrices.items()}
    known = tuple(x.shape)
    x = ops.cast(x, compute)
    # `@`, not keras.ops.matmul, which on PyTorch multiplies float64 in float32; and at rank 3 at
    # the most, because TensorFlow 2.21 on CPU writes past the end for (N, C, H, W) @ (W, W').
    if data_format == "channels_first":
        batch, c, h, w = known
        if 2 in matrices:
            x = ops.reshape(x, (-1, h, w))  # (N·C, H, W)
            x = constants[2] @ x  # (N·C, H', W)
            h = len(matrices[2])
        if 3 in matrices:
            x = ops.reshape(x, (-1, w))  # (N·C·H', W)
            x = x @ ops.convert_to_tensor(matrices[3].T.astype(compute))  # (N·C·H', W')
            w = len(matrices[3])
        return ops.cast(reshape(x, (batch, c, h, w)), dtype)  # (N, C, H', W')
    batch, h, w, c = known
    if 1 in matrices:
        x = reshape(x, (batch, h, w * c))  # (N, H, W·C)
        x = constants[1] @ x  # (N, H', W·C)
        h = len(matrices[1])
    if 2 in matrices:
        x = ops.reshape(x, (-1, w, c))  # (N·H', W, C)
        x = constants[2] @ x  # (N·H', W', C)
        w = len(matrices[2])
    return ops.cast(reshape(x, (batch, h, w, c)), dtype)  # (N, H', W', C)


def by_computed_matrices(
    x: Any, target: tuple[int, int], matrix_of: Callable[[Size, int, str], Any], data_format: str
) -> Any:
    """Multiply by matrices that the graph computes, because it alone knows the input's size.

    How many pixels an output pixel covers is not known either, so that there are no taps.

    Args:
        matrix_of: (n_in, n_out, dtype) -> (n_out, n_in).
    """
    dtype, compute = keras.backend.standardize_dtype(x.dtype), computing_type(x)
    x = ops.cast(x, compute)
    if data_format == "channels_last":
        x = ops.transpose(x, (0, 3, 1, 2))
    n, c, h, w = sizes(x)
    x = ops.reshape(x, (-1, h, w))  # (N·C, H, W)
    x = matrix_of(h, target[0], compute) @ x  # (N·C, H', W)
    x = ops.reshape(x, (-1, w))  # (N·C·H', W)
    x = x @ ops.transpose(matrix_of(w, target[1], compute))  # (N·C·H', W')
    x = ops.reshape(x, (-1, c, *target) if isinstance(c, int) else (n, c, *target))
    x = ops.cast(x, dtype)  # (N, C, H', W')
    return ops.transpose(x, (0, 2, 3, 1)) if data_format == "channels_last" else x
