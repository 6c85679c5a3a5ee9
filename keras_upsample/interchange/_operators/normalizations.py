"""Normalizations, and products of two matrices that flow."""

from typing import Any

import numpy as np

from ...program._array_operations import MatrixProduct
from .._context import Context, UnreadError
from .._value import Value
from .convolutions import mat_mul as by_constant
from .convolutions import mat_mul_in_front as by_constant_in_front

GROUP_NORMALIZATION = "keras_upsample.GroupNormalization"
"""Kind of the node that `_rules` puts for the three by which PyTorch writes it."""


LAYER_NORMALIZATION = "keras_upsample.LayerNormalization"
"""Kind of the node that `_rules` puts for one that is written out: over one axis, any."""


def instance_normalization(c: Context) -> Value:
    """InstanceNormalization: every channel of every image by itself."""
    return _grouped(c, c.value().shape[1])


def group_normalization(c: Context) -> Value:
    """The channels in groups, with scale and shift, or without."""
    return _grouped(c, c.attribute("groups"))


def _grouped(c: Context, groups: int) -> Value:
    import keras

    x, scale, shift = c.value(), c.constant(1), c.constant(2)
    layer: Any = keras.layers.GroupNormalization(
        groups,
        axis=x.stored_axis(1),
        epsilon=c.attribute("epsilon", 1e-5),
        center=shift is not None,
        scale=scale is not None,
        name=c.name,
    )
    y = c.call(layer, x.tensor)
    _assign(layer, scale, shift)
    return c.like(x, y)


def layer_normalization(c: Context) -> Value:
    """LayerNormalization over the last axis."""
    x = c.value()
    if c.attribute("axis", -1) % x.rank != x.rank - 1:
        raise UnreadError("several axes; one, the last, is read")
    return normalization_of_axis(c)


def normalization_of_axis(c: Context) -> Value:
    """A layer normalization over one axis."""
    import keras

    x, scale, shift = c.value(), c.constant(1), c.constant(2)
    axis = c.attribute("axis", -1)
    x = c.joined(x, axis)
    if not x.stored_axis(axis):
        raise UnreadError("a normalization of the batch")
    layer: Any = keras.layers.LayerNormalization(
        axis=x.stored_axis(axis),
        epsilon=c.attribute("epsilon", 1e-5),
        center=shift is not None,
        scale=scale is not None,
        name=c.name,
    )
    y = c.call(layer, x.tensor)
    _assign(layer, scale, shift)
    return c.like(x, y)


def _assign(layer: Any, scale: Any, shift: Any) -> None:
    for weight, array in ((layer.gamma, scale), (layer.beta, shift)):
        if array is not None:
            weight.assign(np.reshape(array, weight.shape))


def mat_mul(c: Context) -> Value:
    """MatMul with a matrix of the file on either side, or of two tensors that flow."""
    first, second = c.inputs
    if not isinstance(second, Value):
        return by_constant(c)
    if not isinstance(first, Value):
        return by_constant_in_front(c)
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
    LAYER_NORMALIZATION: normalization_of_axis,
    "InstanceNormalization": instance_normalization,
    "LayerNormalization": layer_normalization,
    "MatMul": mat_mul,
}

ANY_LAYOUT = frozenset({LAYER_NORMALIZATION, "LayerNormalization", "MatMul"})
