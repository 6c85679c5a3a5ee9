"""Normalization layers by operators that integer TFLite files have.

Of 8 bits, layer normalization alone is replaced: Keras' form has a NEG, which stays in float.

TFLite's quantiser of 16 bits knows no SQUARE, SQRT, DIV, NEG and L2_NORMALIZATION, and LiteRT no
SQUARED_DIFFERENCE and no exact SUM of 16 bits. MEAN, SUB, MUL, ADD and RSQRT are there:

    y = d rsqrt(mean(d d) + epsilon) gamma + beta,  d = x - mean(x), or x where nothing is centred
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from ..ops._lacking import PRODUCTS
from ..targets import Target

_THRESHOLDS = tuple(16.0**k for k in range(1, -4, -1))
"""The largest first."""


def replace_normalizations(layers: Iterable[Any], target: Target) -> None:
    """Let the normalisations of a private model be computed so in an integer TFLite file."""
    import keras

    forms: dict[type, Callable]
    if target.precision == "int16x8":
        forms = {
            keras.layers.GroupNormalization: _group,
            keras.layers.LayerNormalization: _layer,
            keras.layers.RMSNormalization: _root_mean_square,
            keras.layers.UnitNormalization: _unit,
        }
    elif target.precision == "int8" and target.format == "tflite":
        by_convolution = PRODUCTS in target.lacks
        forms = {keras.layers.LayerNormalization: partial(_layer_of_8_bits, by_convolution)}
    else:
        return
    for layer in layers:
        form = forms.get(type(layer))
        if form is not None:
            object.__setattr__(layer, "call", form(layer, layer.call))


def _group(layer: Any, original: Callable) -> Callable:
    import tensorflow as tf

    def call(inputs: Any) -> Any:
        shape = inputs.shape
        if len(shape) < 3 or None in shape[1:] or layer.axis not in (-1, len(shape) - 1):
            return original(inputs)
        groups = shape[-1] if layer.groups == -1 else layer.groups
        x = tf.reshape(inputs, (-1, int(np.prod(shape[1:-1])), groups, shape[-1] // groups))
        x = _normalize(x, [1, 3], layer.epsilon)  # (N, H W, G, C / G)
        x = tf.reshape(x, (-1, *shape[1:]))
        gamma, beta = layer.gamma if layer.scale else None, layer.beta if layer.center else None
        return _affine(x, gamma, beta)

    return call


def _layer(layer: Any, original: Callable) -> Callable:
    import tensorflow as tf

    def call(inputs: Any) -> Any:
        if getattr(layer, "rms_scaling", False):
            return original(inputs)
        axes = _axes(layer, inputs)
        shape = [n if i in axes else 1 for i, n in enumerate(inputs.shape)]
        gamma, beta = (
            None if part is None else tf.reshape(part, shape) for part in (layer.gamma, layer.beta)
        )
        return _affine(_normalize(inputs, axes, layer.epsilon), gamma, beta)

    return call


def _layer_of_8_bits(by_convolution: bool, layer: Any, original: Callable) -> Callable:
    """Layer normalization in 8 bits.

    Args:
        by_convolution: whether the mean over the channels of an image is a convolution. Ethos-U has
            no MEAN over channels.
        layer, original: the layer, and its own `call`.
    """
    import tensorflow as tf

    def call(inputs: Any) -> Any:
        axes = _axes(layer, inputs)
        if getattr(layer, "rms_scaling", False) or any(inputs.shape[k] is None for k in axes):
            return original(inputs)

        def mean(x: Any) -> Any:
            if not by_convolution or len(x.shape) != 4 or axes != [3]:
                return tf.reduce_mean(x, axes, keepdims=True)
            share = tf.fill((1, 1, x.shape[3], 1), tf.constant(1 / x.shape[3], x.dtype))
            return tf.nn.conv2d(x, share, strides=1, padding="VALID")

        centred = inputs - mean(inputs)
        y = centred * tf.math.rsqrt(mean(centred * centred) + layer.epsilon)
        shape = [n if k in axes else 1 for k, n in enumerate(inputs.shape)]
        parts = (layer.gamma, layer.beta)
        return _affine(y, *(None if part is None else tf.reshape(part, shape) for part in parts))

    return call


def _root_mean_square(layer: Any, original: Callable) -> Callable:
    def call(inputs: Any) -> Any:
        axes = _axes(layer, inputs)
        if axes != [len(inputs.shape) - 1]:
            return original(inputs)
        return _affine(_normalize(inputs, axes, layer.epsilon, centred=False), layer.scale, None)

    return call


def _unit(layer: Any, original: Callable) -> Callable:
    def call(inputs: Any) -> Any:
        axes = _axes(layer, inputs)
        count = int(np.prod([inputs.shape[axis] for axis in axes]))
        # sqrt(sum) = sqrt(mean) sqrt(count); Keras' least norm is 1e-12
        return _normalize(inputs, axes, 1e-24, centred=False) * (count**-0.5)

    return call


def _axes(layer: Any, inputs: Any) -> list[int]:
    axes = [layer.axis] if isinstance(layer.axis, int) else layer.axis
    return sorted(axis % len(inputs.shape) for axis in axes)


def _normalize(x: Any, axes: list[int], epsilon: float, *, centred: bool = True) -> Any:
    import tensorflow as tf

    if centred:
        x = x - tf.reduce_mean(x, axes, keepdims=True)
    return _over_root(x, tf.reduce_mean(x * x, axes, keepdims=True) + epsilon, epsilon)


def _over_root(x: Any, v: Any, least: float) -> Any:
    """x / sqrt(v), one interval of v >= least after the other.

    LiteRT reads RSQRT of 16 bits from a table of 256 chords over [0, max v]: at v = max / 256 one
    is off by 9%, and a root of all magnitudes in one tensor keeps few digits of most. Of v cut to
    the intervals between thresholds t the product is v prod(t). Each part has a table of its own,
    whose chords are off by 4e-4 at most. Two parts are one factor. x, multiplied by those of the
    largest v first, stays within the square root of the count at every step.
    """
    import tensorflow as tf

    thresholds = [t for t in _THRESHOLDS if t > least]
    closed = not thresholds or thresholds[-1] <= 16 * least
    single = () if closed else (None, thresholds[-1])
    pair = None
    for low, high in zip((*thresholds, None), (None, *thresholds), strict=True):
        part = v if high is None else tf.minimum(v, high)
        part = part if low is None else tf.maximum(part, low)
        # MINIMUM and MAXIMUM keep a scale; a product has its own.
        root = tf.math.rsqrt(part * 2.0) * ((2.0 if low is None else 2.0 * low) ** 0.5)
        if pair is None and low is not None and low not in single:
            pair = root
        else:  # a last one without an end would cost the other part of a pair its digits
            x, pair = x * (root if pair is None else pair * root), None
    return x


def _affine(x: Any, gamma: Any, beta: Any) -> Any:
    x = x if gamma is None else x * gamma
    return x if beta is None else x + beta
