"""Labels, scores and weights as users have them -> tensors of (sample, pixel)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from ..ops._backend import Size, on_tensorflow, reshape, sizes


def known_shape(x: Any) -> tuple[int | None, ...] | None:
    """The shape of a tensor; None where not even its rank is known.

    Keras' trainer gives up the rank of what came once as (N,) and then as (N, H, W).
    """
    try:
        return tuple(x.shape)
    except ValueError:
        return None


def check_shapes(truth: tuple[int | None, ...] | None, scores: tuple[int | None, ...]) -> None:
    """Raises unless labels (N, ...) or (N, ..., 1) meet scores (N, ..., C) of the same sizes."""
    if len(scores) < 2 or scores[-1] is None:
        raise ValueError(
            "`y_pred` must be (batch, ..., classes), the number of classes known. Received shape "
            f"{scores}."
        )
    if truth is None:
        return
    if len(truth) == len(scores) and truth[-1] == 1:
        places = truth[:-1]
    elif len(truth) == len(scores) - 1:
        places = truth
    else:
        hint = " Take the argmax of one-hot labels." if truth == scores else ""
        raise ValueError(
            "`y_true` must hold one class number a pixel, of `y_pred`'s shape without the classes "
            f"or with 1 in their place. Received: {truth} for `y_pred` {scores}.{hint}"
        )
    if any(None not in (a, b) and a != b for a, b in zip(places, scores[:-1], strict=True)):
        raise ValueError(
            f"`y_true` and `y_pred` must have equal sizes. Received: {truth} for {scores}."
        )


def of_pixels(
    weight: Any, name: str, scores: tuple[int | None, ...], samples: Size, pixels: Size
) -> Any:
    """A weight of each sample or each pixel -> (N, 1) or (N, P), in its own dtype.

    Args:
        weight: a scalar; (N,) or (N, 1, ..., 1); (N, ...) or (N, ..., 1).
        name: name of the argument, for errors.
        scores: shape of the scores, (N, ..., C).
        samples: their number N.
        pixels: number of pixels P.
    """
    shape = known_shape(weight)
    if shape is None:
        # (N, 1) or (N, P), by their number; any other fails where it meets (N, P).
        return ops.reshape(weight, (samples, -1))
    if not shape:
        return reshape(weight, (1, 1))
    sample = all(size == 1 for size in shape[1:])
    places = shape[:-1] if len(shape) == len(scores) and shape[-1] == 1 else shape
    fits = len(places) == len(scores) - 1 and all(
        None in (a, b) or a == b for a, b in zip(places, scores[:-1], strict=True)
    )
    if None not in (shape[0], scores[0]) and shape[0] != scores[0]:
        sample = False
    # (N, 1, 1) is one weight a sample, also where an image is of one pixel.
    if not sample and not fits:
        raise ValueError(
            f"`{name}` must be one number a sample, (batch,), or one a pixel, the shape of the "
            f"labels. Received: {shape} for `y_pred` {scores}."
        )
    return reshape(weight, (sizes(weight)[0], 1 if sample else pixels))


def whole(truth: Any) -> Any:
    """Labels as signed integers that hold each of them, or as the floats that they are.

    Labels of 64 bits keep them: cut to 32, 2³² + 1 would be class 1.
    """
    dtype = keras.backend.standardize_dtype(truth.dtype)
    if "float" in dtype:
        return truth
    return ops.cast(truth, "int64" if dtype in ("int64", "uint32", "uint64") else "int32")


def wrong_labels(truth: Any, counted: Any, classes: int) -> Any:
    """Where a pixel counts and its label is none of 0 ... classes − 1."""
    outside = ops.logical_or(ops.less(truth, 0), ops.greater(truth, classes - 1))
    if "float" in keras.backend.standardize_dtype(truth.dtype):
        # Not a number is unequal to itself.
        outside = ops.logical_or(outside, ops.not_equal(truth, ops.round(truth)))
    return ops.logical_and(counted, outside)


def refuse(wrong: Any, truth: Any, classes: int, ignore_class: int | None) -> Any:
    """Raises if a label is wrong; where nothing can raise, NaN for each sample that has one.

    Eager calls raise ValueError. A TensorFlow graph raises InvalidArgumentError, as Keras' sparse
    cross-entropy does there. Code compiled by XLA (`jit_compile=True`, JAX) has no way to raise:
    the loss and its gradients become NaN, as with Keras' own.

    Returns:
        (N,): 1, or NaN for a sample with a wrong label, in float32.
    """
    ignored = "" if ignore_class is None else f", or {ignore_class} for pixels that do not count"
    allowed = (
        f"`y_true` must hold class numbers from 0 to {classes - 1}{ignored} (`ignore_class`): "
        f"`y_pred` has scores of {classes} classes."
    )
    marks = ops.where(ops.any(wrong, axis=1), float("nan"), 1.0)
    marks = ops.cast(marks, "float32")
    try:
        found = bool(ops.any(wrong))
    except (TypeError, ValueError):  # a graph, which has no values yet
        if on_tensorflow() and not isinstance(wrong, keras.KerasTensor):
            from ..ops._tensorflow import assert_in_graph

            received = truth[wrong]  # in a graph alone, where a size may depend on values
            return assert_in_graph(
                ops.logical_not(ops.any(wrong)), marks, f"{allowed} Received:", received
            )
        return marks
    if found:
        values = np.unique(ops.convert_to_numpy(truth)[ops.convert_to_numpy(wrong)])
        shown = ", ".join(f"{value:.6g}" for value in values[:10])
        more = f" and {len(values) - 10} more" if len(values) > 10 else ""
        hint = " Subtract 1 from labels that count from 1." if values.tolist() == [classes] else ""
        raise ValueError(f"{allowed} Received also: {shown}{more}.{hint}")
    return marks
