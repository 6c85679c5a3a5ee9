"""Comparison of an artefact's outputs with the model's."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ..quantization._decibels import decibels
from ..targets import Gate


@dataclass(frozen=True)
class Difference:
    """Difference between an artefact's outputs and the model's in one case.

    Attributes:
        case: name of the case, i.e. of the input that both were run on.
        max_error: largest |artefact - model| as a share of the model output's range, max - min. If
            the output is constant up to float32 rounding, as a share of its magnitude, which is 1
            for probabilities; if that is 0, the absolute error.
        snr_db: lowest signal-to-noise ratio of the outputs, in dB; infinite if nothing differs.
            The signal is the output's variance, or its squared magnitude if it is constant.
        equal_argmax: share of pixels with an equal argmax, or of equal elements for outputs of an
            integer type; `None` if there is one channel only.
        failure: why the case failed the gate; empty if it passed.
        against: the reference; `"the model in float64"` if the rounding error of the model in
            float32 exceeds the gate.
        within: lowest share of an output's elements within the gate's `max_error`.
    """

    case: str
    max_error: float
    snr_db: float
    equal_argmax: float | None
    failure: str = ""
    against: str = "the model"
    within: float = 1.0


@dataclass(frozen=True)
class ScoresBehind:
    """The scores that a class map was made from.

    Attributes:
        values: the scores, (..., C).
        threshold: score from which a pixel is 1; None for an argmax.
    """

    values: np.ndarray
    threshold: float | None = None


NONE: Mapping[str, ScoresBehind] = {}


def difference(
    case: str,
    actual: dict[str, np.ndarray],
    expected: dict[str, np.ndarray],
    gate: Gate,
    *,
    ordered: bool = True,
    whole: Collection[str] = (),
    probabilities: Collection[str] = (),
    scores: Mapping[str, ScoresBehind] = NONE,
) -> Difference:
    """Compare every output by name and by position, and apply the gate.

    Programs read outputs by position as often as by name, so outputs in another order than the
    model's fail, whatever their values.

    Args:
        case: name of the case, for the report.
        actual, expected: outputs in order.
        gate: the accuracy that is demanded.
        ordered: whether the order of `actual` is defined.
        whole: names of the outputs that `actual` rounds to integers, which may differ by 0.5.
        probabilities: names of the outputs that are probabilities.
        scores: for class maps, the model's scores that they were made from, if known.
    """
    if actual.keys() != expected.keys() or (ordered and list(actual) != list(expected)):
        return _failure(case, f"outputs {list(actual)}, expected {list(expected)}")
    parts = [
        _one_of_scores(case, name, actual[name], expected[name], gate, scores[name])
        if name in scores and actual[name].shape == expected[name].shape
        else _one(
            case,
            name,
            actual[name],
            expected[name],
            gate,
            half=0.5 if name in whole else 0.0,
            magnitude=1.0 if name in probabilities else 0.0,
        )
        for name in expected
    ]
    shares = [part.equal_argmax for part in parts if part.equal_argmax is not None]
    return Difference(
        case,
        max(part.max_error for part in parts),
        min(part.snr_db for part in parts),
        min(shares) if shares else None,
        "; ".join(part.failure for part in parts if part.failure),
        within=min(part.within for part in parts),
    )


def _failure(case: str, why: str) -> Difference:
    return Difference(case, float("inf"), float("-inf"), None, why)


def _one(
    case: str,
    name: str,
    actual: np.ndarray,
    expected: np.ndarray,
    gate: Gate,
    *,
    half: float = 0.0,
    magnitude: float = 0.0,
) -> Difference:
    if actual.shape != expected.shape:
        return _failure(case, f"{name!r} has the shape {actual.shape}, expected {expected.shape}")
    if expected.size == 0:
        return Difference(case, 0.0, float("inf"), None)
    if expected.dtype.kind not in "fc":
        return _classes(case, name, actual, expected, gate)
    if not np.isfinite(actual).all():
        return _failure(case, f"{name!r} holds NaN or infinity")
    a, e = actual.astype(np.float64), expected.astype(np.float64)
    gap = np.abs(a - e)
    where = np.unravel_index(int(gap.argmax()), gap.shape)
    largest = float(gap[where])
    # float32 itself rounds: 8 units in the last place of the largest value are no error of ours,
    # which matters only for outputs that barely vary around a value far from zero. A probability
    # is the result of sums with 1: runtimes compute a sigmoid as (1 + tanh(x / 2)) / 2, or by a
    # rational function, so that what is left of the 1 near 0 has the rounding error of 1.
    magnitude = max(magnitude, float(np.abs(e).max()))
    rounding = 8 * float(np.finfo(np.float32).eps) * magnitude
    extent, of_what, signal = float(e.max() - e.min()), "range", float(e.var())
    if extent <= rounding:  # a constant, whose range says nothing
        extent, of_what = magnitude or 1.0, "magnitude"
        signal = extent**2
    rounding += half
    error = largest / extent
    snr = decibels(signal, float(np.mean((a - e) ** 2)))
    failure, within = "", 1.0
    if gate.max_error is not None and largest > gate.max_error * extent + rounding:
        within = float(np.mean(gap <= gate.max_error * extent + rounding))
        if within < gate.min_within:
            place = "[" + ", ".join(map(str, map(int, where))) + "]"
            failure = (
                f"{name!r}{place} is {a[where]:.6g}, expected {e[where]:.6g}: off by {error:.2g} "
                f"of the {of_what}, allowed {gate.max_error:.0e}"
            )
            if gate.min_within < 1:
                failure += f"; {within:.1%} of the elements keep that, {gate.min_within:.0%} must"
    if gate.min_snr_db is not None and snr < gate.min_snr_db and largest > rounding:
        failure = f"{name!r} has {snr:.1f} dB, at least {gate.min_snr_db:.0f} dB are needed"
    share = None
    if e.ndim > 1 and e.shape[-1] > 1:
        share = float(np.mean(a.argmax(-1) == e.argmax(-1)))
    return Difference(case, error, float(snr), share, failure, within=within)


def _one_of_scores(
    case: str,
    name: str,
    actual: np.ndarray,
    expected: np.ndarray,
    gate: Gate,
    behind: ScoresBehind,
) -> Difference:
    """A class map judged by the least noise of the scores that explains where it differs.

    Classes turn where two scores are nearly equal, so that equal shares say how many ties a network
    has, not what rounding cost. For the winner to lose by m, two scores must move by m / 2 each,
    m^2 / 2 in all; for a score to cross a threshold that is m away, m^2. The sum over the pixels,
    by the number of scores, is the least mean square of a noise that gives this class map; its
    signal-to-noise ratio must reach the gate's.
    """
    values = behind.values.astype(np.float64)
    classes = 2 if behind.threshold is not None else values.shape[-1]
    if not np.isin(actual, np.arange(classes)).all():
        return _failure(case, f"{name!r} holds numbers beside the classes 0 to {classes - 1}")
    differs = actual != expected
    if behind.threshold is None:
        first, other = (
            np.take_along_axis(values, found.astype(np.int64)[..., None], axis=-1)[..., 0]
            for found in (expected, actual)
        )
        squares = (first - other) ** 2 / 2
    else:
        squares = (values.reshape(expected.shape) - behind.threshold) ** 2
    noise = float(squares[differs].sum()) / values.size
    snr = decibels(float(values.var()), noise)
    share = float(np.mean(~differs))
    failure = ""
    if gate.min_snr_db is not None and snr < gate.min_snr_db:
        failure = (
            f"{name!r} differs in {1 - share:.2%} of its elements, which takes noise of {snr:.1f} "
            f"dB in the scores; at least {gate.min_snr_db:.0f} dB are needed"
        )
    return Difference(case, 0.0, snr, share, failure)


def _classes(
    case: str, name: str, actual: np.ndarray, expected: np.ndarray, gate: Gate
) -> Difference:
    share = float(np.mean(actual == expected))
    failure = ""
    if share < gate.min_equal:
        failure = f"{name!r} is equal in {share:.2%} of its elements, allowed {gate.min_equal:.1%}"
    return Difference(case, 0.0, float("inf"), share, failure)
