"""Normalizations, and products of two matrices that flow."""

from typing import Any

import numpy as np

from ...program._array_operations import MatrixProduct
from .._context import Context, UnreadError
from .._value import Value
from .convolutions import mat_mul as by_constant

GROUP_NORMALIZATION = "keras_upsample.GroupNormalization"
"""Kind of the node that `_rules` puts for the three by which PyTorch writes it."""


def instance_normalization(c: Context) -> Value:
    """InstanceNormalization: every channel of every image by itself."""
    x, scale, shift = c.value(), c.constant(1), c.constant(2)
    layer, y = _grouped(c, x, x.shape[1], True)
    layer.gamma.assign(scale)
    layer.beta.assign(shift)
    return c.like(x, y)


def group_normalization(c: Context) -> Value:
    """The channels in groups; scale and shift follow in the file."""
    x = c.value()
    return c.like(x, _grouped(c, x, c.attribute("groups"), False)[1])


def _grouped(c: Context, x: Value, groups: int, weights: bool) -> Any:
    import keras

    layer: Any = keras.layers.GroupNormalization(
        groups,
        axis=x.stored_axis(1),
        epsilon=c.attribute("epsilon", 1e-5),
        center=weights,
        scale=weights,
        name=c.name,
    )
    return layer, c.call(layer, x.tensor)


def layer_normalization(c: Context) -> Value:
    """LayerNormalization over the last axis."""
    import keras

    x, scale, shift = c.value(), c.constant(1), c.constant(2)
    if c.attribute("axis", -1) % x.rank != x.rank - 1:
        raise UnreadError("several axes; one, the last, is read")
    x = c.joined(x, -1)
    layer: Any = keras.layers.LayerNormalization(
        axis=x.stored_axis(-1),
        epsilon=c.attribute("epsilon", 1e-5),
        center=shift is not None,
        name=c.name,
    )
    y = c.call(layer, x.tensor)
    layer.gamma.assign(scale)
    if shift is not None:
        layer.beta.assign(shift)
    return c.like(x, y)


def mat_mul(c: Context) -> Value:
    """MatMul with a matrix of the file, or of two tensors that flow."""
    first, second = c.inputs
    if not isinstance(second, Value):
        return by_constant(c)
    if not isinstance(first, Value):
        raise UnreadError("its first matrix is a constant")
    if first.rank != second.rank or first.rank < 3:
        raise UnreadError(f"matrices of {first.rank} and {second.rank} dimensions")
    values = [
        c.joined(c.in_file_order(value, f"_order{i}"), suffix=f"_join{i}")
        for i, value in enumerate((first, second))
    ]
    if values[0].order != values[1].order:
        raise UnreadError("matrices whose batches are different axes")
    return Value(c.write(MatrixProduct([value.tensor for value in values])), values[0].order)


def is_plain(array: Any, value: float) -> bool:
    """Whether all elements of a constant are one number."""
    return isinstance(array, np.ndarray) and bool((array == value).all())


KINDS = {
    GROUP_NORMALIZATION: group_normalization,
    "InstanceNormalization": instance_normalization,
    "LayerNormalization": layer_normalization,
    "MatMul": mat_mul,
}

ANY_LAYOUT = frozenset({"LayerNormalization", "MatMul"})
