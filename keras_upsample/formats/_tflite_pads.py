"""Pads of computed amounts, with the static sizes that TensorFlow loses."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._others import _tensorflow
from ..program._patching import Patch, Place
from ._graph_values import numbers_of


@contextmanager
def state_computed_pads() -> Iterator[None]:
    """Inside, what a pad of computed amounts gives is reshaped to its own shape.

    TFLite's converter takes the result to be open in every axis, the channels too, for which it
    has no convolution. The amounts of other axes are constants, which the reshape says again.
    """
    with _patch.entered():
        yield


def _places() -> Iterator[Place]:
    import tensorflow as tf

    gen_array_ops = _tensorflow.gen_array_ops()
    for name, raw in (("pad", "Pad"), ("pad_v2", "PadV2"), ("mirror_pad", "MirrorPad")):
        yield gen_array_ops, name, _state
        yield tf.raw_ops, raw, _state


_patch = Patch(_places)


def _state(original: Callable) -> Callable:
    parameters = inspect.signature(original)

    def operator(*args: Any, **options: Any) -> Any:
        y = original(*args, **options)
        if not _patch.wanted():
            return y
        given = parameters.bind(*args, **options).arguments
        return _with_known_sizes(given["input"], given["paddings"], y)

    return operator


def _with_known_sizes(x: Any, paddings: Any, y: Any) -> Any:
    import tensorflow as tf

    x, paddings = tf.convert_to_tensor(x), tf.convert_to_tensor(paddings)
    if x.shape.rank is None:
        return y
    pads = numbers_of(tf.reshape(paddings, (-1,)), {})
    if pads is None or None not in pads:
        return y  # nothing is known, or all is
    shape: list[Any] = []
    for axis, (n, before, after) in enumerate(
        zip(x.shape.as_list(), pads[::2], pads[1::2], strict=True)
    ):
        known = None not in (n, before, after)
        shape.append(n + before + after if known else tf.shape(y)[axis])
    y = tf.reshape(y, tf.stack(shape))
    y.set_shape([n if isinstance(n, int) else None for n in shape])
    return y
