"""The error function for TFLite, which has it only inside the exact GELU."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from .._others import _tensorflow
from ..program._patching import Patch, Place

_inside_gelu: ContextVar[bool] = ContextVar("inside_gelu", default=False)


def lacks_error_function(message: str) -> bool:
    """Whether the converter gave up on an Erf or Erfc."""
    return re.search(r"\bErfc?\b", message) is not None


@contextmanager
def replace_error_functions() -> Iterator[None]:
    """Inside, exact GELUs are traced apart from their neighbours, other error functions as exp.

    The converter makes x erfc(-x / sqrt 2) / 2 the operator GELU, if it finds these operators
    as they are. It does not where it has joined the multiplication with a ReLU behind it, or the
    negation with one in front. A change of shape on either side keeps them apart.
    """
    with _patch.entered():
        yield


def _places() -> Iterator[Place]:
    import tensorflow as tf

    for module in (_tensorflow.nn_ops(), tf.nn):
        yield module, "gelu", _gelu
    for module in (_tensorflow.gen_math_ops(), _tensorflow.math_ops(), tf.math):
        for name in ("erf", "erfc"):
            yield module, name, partial(_error_function, name)
    for name in ("Erf", "Erfc"):
        yield tf.raw_ops, name, partial(_error_function, name.lower())


_patch = Patch(_places)


def _gelu(original: Callable) -> Callable:
    def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
        import tensorflow as tf

        if approximate or not _patch.wanted():
            return original(features, approximate, name)
        x = tf.convert_to_tensor(features)
        shape = x.shape if x.shape.is_fully_defined() else tf.shape(x)
        token = _inside_gelu.set(True)
        try:
            apart = tf.reshape(x, (1, -1) if x.shape.rank == 1 else (-1,))
            return tf.reshape(original(apart, approximate, name), shape)
        finally:
            _inside_gelu.reset(token)

    return gelu


def _error_function(which: str, original: Callable) -> Callable:
    def function(x: Any, name: str | None = None) -> Any:
        if _inside_gelu.get() or not _patch.wanted():
            return original(x, name=name)
        return _erf(x) if which == "erf" else 1 - _erf(x)

    return function


def _erf(x: Any) -> Any:
    """erf z = 1 - (a1 t + ... + a5 t^5) exp(-z^2), t = 1 / (1 + p z), for z >= 0; erf -z = -erf z.

    The error is at most 1.5e-7 (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26).
    """
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    z = tf.abs(x)
    t = 1 / (1 + 0.3275911 * z)
    polynomial = tf.zeros_like(x)
    for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        polynomial = (polynomial + a) * t
    return tf.sign(x) * (1 - polynomial * tf.exp(-z * z))
