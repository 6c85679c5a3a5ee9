"""Sums over the pixels of a sample, and over its classes; nothing here knows a loss by name."""

from typing import Any

from keras import ops


def over_pixels(values: Any, truth: Any, weights: Any, alpha: Any) -> Any:
    """(N,): Σ_i w_i α_c(i) v_i / Σ_i w_i of values (N, P); 0 where all weights are 0.

    Args:
        values: values of the pixels.
        truth: one-hot labels, (N, P, C).
        weights: weights of the pixels, (N, P).
        alpha: weight of each class, (C,), or None for 1.
    """
    if alpha is not None:
        values = values * ops.sum(truth * alpha, axis=2)
    return ops.divide_no_nan(ops.sum(weights * values, axis=1), ops.sum(weights, axis=1))


def over_classes(values: Any, truth: Any, weights: Any, alpha: Any) -> Any:
    """(N,): the mean of α_c v_c over the classes that the sample's truth shows, of values (N, C).

    A class that a sample does not show has no overlap to win: a ratio of its overlap is 0 whatever
    the scores, so that it would add a constant without a gradient.
    """
    shown = ops.cast(ops.any(truth * weights[..., None] != 0, axis=1), values.dtype)  # (N, C)
    if alpha is not None:
        values = values * alpha
    return ops.divide_no_nan(ops.sum(shown * values, axis=1), ops.sum(shown, axis=1))


def tversky(p: Any, truth: Any, weights: Any, alpha: float, beta: float) -> Any:
    """(N, C): 1 − TP / (TP + α FP + β FN), sums over pixels weighted; p and truth (N, P, C)."""
    w = weights[..., None]
    both = ops.sum(w * truth * p, axis=1)
    false_positive = ops.sum(w * (1 - truth) * p, axis=1)
    false_negative = ops.sum(w * truth * (1 - p), axis=1)
    return 1 - ops.divide_no_nan(both, both + alpha * false_positive + beta * false_negative)


def lovasz(p: Any, truth: Any, weights: Any) -> Any:
    """(N, C): Lovász extension of the Jaccard loss at the errors |t − p| (N, P, C).

    Errors sorted downwards, m_1 >= m_2 >= ..., the sum of m_i (J_i − J_(i−1)), where
    J_i = 1 − I_i / U_i, I_i is the weight of the class' pixels after place i, and U_i that of the
    class with the other pixels up to place i. With pixel i of weight w the difference is w / U_i in
    the class and w I_i / (U_i U_(i−1)) outside, which loses no digits, unlike J_i − J_(i−1).
    """
    errors = ops.abs(truth - p)
    order = ops.argsort(-errors, axis=1)
    errors = ops.take_along_axis(errors, order, axis=1)  # the one that has a gradient
    inside = ops.take_along_axis(truth * weights[..., None], order, axis=1)
    outside = ops.take_along_axis((1 - truth) * weights[..., None], order, axis=1)
    whole = ops.sum(inside, axis=1, keepdims=True)  # (N, 1, C)
    rest = ops.maximum(whole - ops.cumsum(inside, axis=1), 0)
    union = whole + ops.cumsum(outside, axis=1)
    slope = inside + ops.divide_no_nan(outside * rest, union - outside)
    return ops.sum(errors * ops.divide_no_nan(slope, union), axis=1)
