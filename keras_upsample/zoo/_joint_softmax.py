"""Softmax over all pairs of positions."""

from typing import Any

import keras
from keras import ops

from keras_upsample.ops._backend import length, reshape


@keras.saving.register_keras_serializable(package="keras_upsample")
class JointSoftmax(keras.layers.Layer):
    """exp(x[i, j]) / sum of exp(x[k, l]) over all k and l, for each image's matrix (T, T')."""

    def call(self, inputs: Any) -> Any:
        rows, columns = length(inputs, 1), length(inputs, 2)
        known = isinstance(rows, int) and isinstance(columns, int)
        flat = reshape(inputs, (inputs.shape[0], rows * columns) if known else (-1, rows * columns))
        return reshape(ops.softmax(flat), (inputs.shape[0] if known else -1, rows, columns))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)
