"""Normalization that stays accurate on large images and at large means."""

from collections.abc import Callable
from math import prod
from typing import Any

from . import _means


def group_normalization(layer: Any, exact_sums: bool = False) -> Any:
    """The `call` of a `keras.layers.GroupNormalization`, see `_normalize`.

    Every mean is one of positions, then of the group's channels, which are all equally many. That
    of many positions is one of rows, then of the rows' means. No tensor has more axes than the
    input or than four.

    Args:
        layer: what is replaced.
        exact_sums: whether the file adds up whole numbers.
    """
    import tensorflow as tf

    original = layer.call

    def call(inputs: Any) -> Any:
        rank = len(inputs.shape)
        axis = layer.axis % rank
        if inputs.shape[axis] is None:
            return original(inputs)
        channels = int(inputs.shape[axis])
        groups = channels if layer.groups == -1 else layer.groups
        positions = [k for k in range(1, rank) if k != axis]
        along = [channels if k == axis else 1 for k in range(rank)]

        def mean(x: Any) -> Any:
            if _many(inputs, positions):
                x = _means.mean(x, positions, keepdims=True)  # (N, 1, 1, C)
            else:
                x = tf.reduce_mean(x, axis=positions, keepdims=True)
            if groups == channels:
                return x
            x = tf.reshape(x, (-1, 1, groups, channels // groups))
            x = tf.reduce_mean(x, axis=3, keepdims=True)  # (N, 1, G, 1)
            x = x * tf.ones((1, 1, 1, channels // groups), x.dtype)
            return tf.reshape(x, (-1, *along[1:]))  # (N, 1, 1, C)

        twice = not exact_sums and _many(inputs, positions, channels // groups)
        gamma, beta = (_place(part, along, inputs) for part in (layer.gamma, layer.beta))
        return _normalize(inputs, mean, layer.epsilon, gamma, beta, twice=twice)

    return call


def layer_normalization(layer: Any, exact_sums: bool = False) -> Any:
    """The `call` of a `keras.layers.LayerNormalization`; arguments as `group_normalization`."""
    import tensorflow as tf

    original = layer.call

    def call(inputs: Any) -> Any:
        rank = len(inputs.shape)
        axes = sorted(axis % rank for axis in layer.axis)
        if layer.rms_scaling or exact_sums or any(inputs.shape[axis] is None for axis in axes):
            return original(inputs)
        along = [inputs.shape[k] if k in axes else 1 for k in range(rank)]

        def mean(x: Any) -> Any:
            return tf.reduce_mean(x, axis=axes, keepdims=True)

        gamma, beta = (_place(part, along, inputs) for part in (layer.gamma, layer.beta))
        return _normalize(inputs, mean, layer.epsilon, gamma, beta, twice=_many(inputs, axes))

    return call


def _place(weight: Any, shape: list[int], x: Any) -> Any:
    """Of the input's dtype, for Keras does not cast it; None stays."""
    import tensorflow as tf

    return None if weight is None else tf.reshape(tf.cast(weight, x.dtype), shape)


def _many(x: Any, axes: list[int], times: int = 1) -> bool:
    sizes = [x.shape[axis] for axis in axes]
    return None in sizes or prod(sizes) * times > _means.ENOUGH


def _normalize(
    x: Any,
    mean: Callable[[Any], Any],
    epsilon: float,
    gamma: Any,
    beta: Any,
    *,
    twice: bool,
) -> Any:
    """y = (x - m) / sqrt(v + epsilon) * gamma + beta, with c = x - m and v = mean(c^2).

    Keras computes x / s - m / s, the difference of two large numbers where the values are far from
    zero. Of many elements m itself is rounded by more than the small digits of c: `twice`, the mean
    d of c is taken off too, v = mean(c^2) - d^2 and y = c a + (beta - d a), a = gamma / sqrt(v +
    epsilon).
    """
    import tensorflow as tf

    centred = x - mean(x)
    # Not tf.square: LiteRT is faster at a product.
    variance = mean(centred * centred)
    if not twice:
        factor = tf.math.rsqrt(variance + epsilon)
        if gamma is not None and _is_as_small(gamma, factor):
            factor, gamma = factor * gamma, None
        y = centred * factor
        y = y if gamma is None else y * gamma
        return y if beta is None else y + beta
    rest = mean(centred)
    factor = tf.math.rsqrt(variance - tf.square(rest) + epsilon)
    if gamma is None or not _is_as_small(gamma, factor):
        y = (centred - rest) * factor
        y = y if gamma is None else y * gamma
        return y if beta is None else y + beta
    factor = factor * gamma
    offset = -rest * factor
    return centred * factor + (offset if beta is None else beta + offset)


def _is_as_small(gamma: Any, factor: Any) -> bool:
    """Whether their product has no more elements than the factor, so that it is taken first."""
    return all(n in (1, m) for n, m in zip(gamma.shape, factor.shape, strict=True))
