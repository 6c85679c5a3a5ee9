"""The layer of scaled dot-product attention, in as few transposes as its inputs allow."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

_PARTS = {1: (3,), 2: (1, 2), 3: (1, 1, 1)}
"""How many inputs -> how many of queries, keys and values each of them holds."""


@keras.saving.register_keras_serializable(package="keras_upsample")
class Attention(keras.layers.Layer):
    """y = softmax(s q kᵀ + b) v, for every head by itself.

    Queries, keys and values have (N, tokens, heads x channels), the channels of a head together; or
    (N, windows, tokens, heads x channels), where tokens see those of their own window. They come as
    three tensors; as two, the values behind the keys on the last axis; or as one, in the order
    queries, keys, values. Heads that lie behind each other in one tensor are transposed at once.
    One head needs no transpose.

    Args:
        heads: how many.
        scale: s, a number.
        biases: shapes of trainable constants b that are added, each (windows, heads, queries, keys)
            or 1 where it repeats; a table of relative positions, or a mask.

    Returns (N, tokens, heads x channels of the values), with windows like the queries.
    """

    def __init__(
        self, heads: int, scale: float, biases: Sequence[Sequence[int]] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.heads, self.scale = heads, scale
        self.shapes = tuple(tuple(shape) for shape in biases)
        self.biases = [
            self.add_weight(name=f"bias{place or ''}", shape=shape, initializer="zeros")
            for place, shape in enumerate(self.shapes)
        ]

    def build(self, input_shape: Any) -> None:
        self.built = True

    def call(self, inputs: Any) -> Any:
        given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        queries, keys, values = (
            part
            for x, count in zip(given, _PARTS[len(given)], strict=True)
            for part in self._heads(x, count)
        )
        scores = _times_transposed(queries * self.scale, keys)
        for bias in self.biases:
            scores = self._plus(scores, bias)
        mixed = ops.matmul(ops.softmax(scores), values)
        shape = _lengths(given[0])[1:-1]
        if self.heads > 1:
            mixed = ops.transpose(mixed, (0, 2, 1, 3))  # (N, tokens, heads, channels)
        channels = self.heads * int(mixed.shape[-1])
        return ops.reshape(mixed, (-1, *shape, channels))

    def _heads(self, x: Any, count: int) -> list[Any]:
        """(N, heads, tokens, channels) of each part; of one head (N, tokens, channels)."""
        tokens, channels = _lengths(x)[-2:]
        if self.heads == 1:
            return _split(ops.reshape(x, (-1, tokens, channels)), count, -1)
        every = count * self.heads
        x = ops.reshape(x, (-1, tokens, every, channels // every))
        return _split(ops.transpose(x, (0, 2, 1, 3)), count, 1)

    def _plus(self, scores: Any, bias: Any) -> Any:
        windows, heads, *_ = bias.shape
        shape = _lengths(scores)[1:]
        bias = ops.convert_to_tensor(bias)
        if self.heads == 1 and heads == 1:
            bias = bias[:, 0]
        if windows == 1:
            return scores + bias
        return ops.reshape(ops.reshape(scores, (-1, windows, *shape)) + bias, (-1, *shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        several = isinstance(input_shape[0], (list, tuple))
        shapes = input_shape if several else [input_shape]
        channels = shapes[-1][-1] // _PARTS[len(shapes)][-1]
        return (*shapes[0][:-1], channels)

    def get_config(self) -> dict[str, Any]:
        own = {"heads": self.heads, "scale": self.scale, "biases": self.shapes}
        return {**super().get_config(), **own}


def _lengths(x: Any) -> list[Any]:
    """Of the axes; tensors where they are open."""
    found = ops.shape(x)
    return [found[axis] if n is None else n for axis, n in enumerate(x.shape)]


def _split(x: Any, count: int, axis: int) -> list[Any]:
    return [x] if count == 1 else ops.split(x, count, axis)


def _times_transposed(a: Any, b: Any) -> Any:
    """a bᵀ; TensorFlow has an operator for it, which moves no data."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.linalg.matmul(a, b, transpose_b=True)
    return ops.matmul(a, ops.swapaxes(b, -1, -2))
