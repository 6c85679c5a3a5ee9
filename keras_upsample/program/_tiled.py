"""A layer that computes a 3x3 convolution tile by tile by Winograd's minimal filtering.

In two dimensions, 4x4 outputs of a filter of 3x3 taps need 6x6 multiplications where the definition
has 9 * 16:

    Y = A^T [(G K G^T) . (B^T D B)] A,   D the 6x6 inputs, K the taps, . by element,

summed over the input channels before A^T and A are applied. For every one of the 36 places that is
a matrix product of (tiles, in) with (in, out): a quarter of the multiply-adds. B and A act on rows
and columns by themselves, and for all the tiles of a block at once they are matrix products as
well, with constant banded matrices: so the whole is six matrix products, which every runtime has
at its full rate. The bands are mostly zeros; blocks of at most 32x32 pixels keep that cost low.

The points 0, 3/4, -3/4, 3/2, -3/2 and infinity are exact in binary, and lose a third of the digits
that 0, 1, -1, 2, -2 lose: 1.3e-6 of the range against 4.2e-6 at 256 channels, where the definition
in float32 loses 1.3e-7.

Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016.
"""

from fractions import Fraction
from math import ceil
from typing import Any

import keras
import numpy as np

from ._cook_toom import filtering

TILE, TAPS = 4, 3
POINTS = tuple(map(Fraction, ("0", "3/4", "-3/4", "3/2", "-3/2")))
MATRICES = filtering(POINTS, TAPS)
_G, _B, _A = MATRICES.floats()
_PLACES = TILE + TAPS - 1
_LARGEST = 32  # pixels of a block, on each axis


def _blocks(size: int) -> tuple[int, int]:
    """How many blocks an axis is cut into, and their length: whole tiles."""
    count = ceil(size / _LARGEST)
    return count, TILE * ceil(size / count / TILE)


@keras.saving.register_keras_serializable(package="keras_upsample")
class TiledConv2D(keras.layers.Layer):
    """A 3x3 convolution of stride 1 that keeps the size, with zeros around, by minimal filtering.

    The input is (batch, height, width, channels) of known height, width and channels, the output
    (batch, height, width, filters).

    Args:
        filters: channels of the output.
        use_bias: as for `keras.layers.Conv2D`.
    """

    def __init__(self, filters: int, use_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.use_bias = filters, use_bias

    def build(self, input_shape: Any) -> None:
        shape = (_PLACES**2, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="zeros", name="kernel")
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        self.built = True

    def assign(self, kernel: np.ndarray, bias: np.ndarray | None) -> None:
        """Take the weights of a Conv2D: (3, 3, in, out) and (out,)."""
        places = np.einsum("iu,uvcd,jv->ijcd", _G, np.asarray(kernel, "float64"), _G)
        self.kernel.assign(places.reshape(self.kernel.shape))
        if self.bias is not None:
            self.bias.assign(bias)

    def call(self, inputs: Any) -> Any:
        ops = keras.ops
        _, height, width, channels = inputs.shape
        (rows, tall), (columns, wide) = _blocks(height), _blocks(width)
        x = inputs
        if rows * columns > 1:
            x = _cut(x, rows, tall, columns, wide)
            tops, lefts = _inputs(tall, None), _inputs(wide, None)
        else:  # the zeros around are left out of the matrices
            tops, lefts = _inputs(tall, height), _inputs(wide, width)
        down, across = tall // TILE, wide // TILE
        x = _product(tops, ops.reshape(x, (-1, x.shape[1], x.shape[2] * channels)))
        x = _product(lefts, ops.reshape(x, (-1, lefts.shape[1], channels)))
        x = ops.reshape(x, (-1, _PLACES, down, _PLACES, across, channels))
        x = ops.reshape(ops.transpose(x, (1, 3, 0, 2, 4, 5)), (_PLACES**2, -1, channels))
        y = ops.matmul(x, ops.convert_to_tensor(self.kernel, dtype=x.dtype))
        y = ops.reshape(y, (_PLACES, _PLACES, -1, down, across, self.filters))
        y = ops.transpose(y, (2, 0, 3, 1, 4, 5))
        y = ops.reshape(y, (-1, _PLACES * down, _PLACES * across * self.filters))
        y = ops.reshape(_product(_outputs(tall), y), (-1, _PLACES * across, self.filters))
        y = ops.reshape(_product(_outputs(wide), y), (-1, tall, wide, self.filters))
        y = _join_tiles(y, rows, columns)[:, :height, :width]
        return y if self.bias is None else ops.add(y, ops.cast(self.bias, y.dtype))

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor((*inputs.shape[:-1], self.filters), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "use_bias": self.use_bias}


def _product(matrix: np.ndarray, x: Any) -> Any:
    """A constant (a, n) times (batch, n, c)."""
    constant = keras.ops.convert_to_tensor(matrix[None], dtype=x.dtype)
    return keras.ops.matmul(constant, x)


def _cut(x: Any, rows: int, tall: int, columns: int, wide: int) -> Any:
    """(rows * columns * batch, tall + 2, wide + 2, c): blocks that overlap by two pixels."""
    ops = keras.ops
    height, width = x.shape[1:3]
    behind = (1 + rows * tall - height, 1 + columns * wide - width)
    x = ops.pad(x, ((0, 0), (1, behind[0]), (1, behind[1]), (0, 0)))
    parts = [x[:, tall * i : tall * (i + 1) + 2] for i in range(rows)]
    parts = [part[:, :, wide * j : wide * (j + 1) + 2] for part in parts for j in range(columns)]
    return ops.concatenate(parts, axis=0)


def _join_tiles(y: Any, rows: int, columns: int) -> Any:
    """What `_cut` cut, side by side again."""
    ops = keras.ops
    if rows * columns == 1:
        return y
    parts = ops.split(y, rows * columns, axis=0)
    lines = [ops.concatenate(parts[columns * i : columns * (i + 1)], axis=2) for i in range(rows)]
    return ops.concatenate(lines, axis=1)


def _inputs(length: int, size: int | None) -> np.ndarray:
    """B^T of every tile of a block: (6 * tiles, length + 2), or (6 * tiles, size) without zeros.

    Row i * tiles + k is place i of tile k.
    """
    tiles = length // TILE
    matrix = np.zeros((_PLACES, tiles, length + TAPS - 1))
    for k in range(tiles):
        matrix[:, k, TILE * k : TILE * k + _PLACES] = _B
    whole = matrix.reshape(_PLACES * tiles, -1)
    return whole if size is None else whole[:, 1 : 1 + size]


def _outputs(length: int) -> np.ndarray:
    """A^T of every tile of a block: (length, 6 * tiles)."""
    tiles = length // TILE
    matrix = np.zeros((length, _PLACES, tiles))
    for k in range(tiles):
        matrix[TILE * k : TILE * (k + 1), :, k] = _A
    return matrix.reshape(length, -1)
