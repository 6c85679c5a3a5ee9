"""Sums, means and pools over many elements, traced in parts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from typing import Any

from .._others import _tensorflow
from ..program._patching import Patch, Place
from ._graph_values import value_of
from ._means import ENOUGH, in_parts


@contextmanager
def reductions_in_parts() -> Iterator[None]:
    """Inside, what adds up more than `ENOUGH` floats, or nobody knows how many, does so in parts.

    LiteRT, ONNX Runtime and OpenVINO add up in float32, one element after the other. Layers,
    `keras.ops`, `tf.nn.moments`, `tf.norm` and `tf.raw_ops` all build their operators through the
    functions that are replaced.
    """
    with _patch.entered():
        yield


def _places() -> Iterator[Place]:
    import tensorflow as tf

    gen_math_ops, gen_nn_ops = _tensorflow.gen_math_ops(), _tensorflow.gen_nn_ops()
    forms: tuple[tuple[Any, str, str, Callable], ...] = (
        (gen_math_ops, "mean", "Mean", partial(_reduce, is_mean=True)),
        (gen_math_ops, _tensorflow.SUM, "Sum", partial(_reduce, is_mean=False)),
        (gen_nn_ops, "avg_pool", "AvgPool", _pool),
    )
    for module, name, raw, form in forms:
        yield module, name, _patch.by(form)
        yield tf.raw_ops, raw, _patch.by(form)
    yield tf.nn, "batch_normalization", _patch.by(_normalize)


_patch = Patch(_places)


def _reduce(
    original: Callable, input: Any, axis: Any, keep_dims: bool, name: Any, *, is_mean: bool
) -> Any | None:
    import tensorflow as tf

    x, places = tf.convert_to_tensor(input), value_of(axis)
    if x.shape.rank is None or places is None or x.dtype not in (tf.float32, tf.float16):
        return None
    axes = sorted({int(place) % max(x.shape.rank, 1) for place in places.ravel()})
    sizes = [x.shape[place] for place in axes]
    if not axes or (None not in sizes and prod(sizes) <= ENOUGH):
        return None
    if len(axes) == 1 and (sizes[0] is None or sizes[0] <= ENOUGH):
        return None

    def one(part: Any, place: int, stays: bool) -> Any:
        return original(part, [place], stays, None)

    with tf.name_scope(name or ("mean" if is_mean else "sum")):
        return in_parts(one, x, axes, keepdims=bool(keep_dims), is_mean=is_mean)


def _pool(
    original: Callable,
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str,
    name: Any,
) -> Any | None:
    """A large window is one of rows, then of columns: all its rows hold equally many elements."""
    first = data_format == "NCHW"
    rows, columns = (2, 3) if first else (1, 2)
    if ksize[rows] * ksize[columns] <= ENOUGH or min(ksize[rows], ksize[columns]) == 1:
        return None

    def along(x: Any, axis: int) -> Any:
        window, steps = ([n[k] if k == axis else 1 for k in range(4)] for n in (ksize, strides))
        return original(x, window, steps, padding, data_format)

    return along(along(value, columns), rows)


def _normalize(
    original: Callable,
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: Any,
    name: Any,
) -> Any | None:
    """By the statistics of the batch: x - mean first, for x / s - mean / s loses digits."""
    import tensorflow as tf

    if not _is_added_up(tf.convert_to_tensor(mean)):
        return None
    factor = tf.math.rsqrt(variance + variance_epsilon)
    y = (x - mean) * (factor if scale is None else factor * scale)
    return y if offset is None else y + offset


def _is_added_up(tensor: Any) -> bool:
    """Whether it is computed from what the model is given: variables are only moved."""
    waiting, seen = [tensor.op], set()
    while waiting:
        operation = waiting.pop()
        if operation.type in ("Mean", "Sum"):
            return True
        if operation.name not in seen:
            seen.add(operation.name)
            waiting += [source.op for source in operation.inputs]
    return False
