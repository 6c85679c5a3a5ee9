"""Intersection over union of label maps, whole and along boundaries, in plain NumPy."""

from typing import Any

import numpy as np

from . import _arguments as arguments


def mean_iou(
    y_true: Any, y_pred: Any, num_classes: int, *, ignore_class: int | None = None
) -> float:
    """Return the mean over classes of |T ∩ P| / |T ∪ P|, as `keras.metrics.MeanIoU` does.

    `0 0 1 1` against `0 1 1 1` -> (1/2 + 2/3) / 2. Pixels of all images are counted together;
    classes that are in neither map are left out of the mean.

    Args:
        y_true: integer labels, (H, W) or (N, H, W).
        y_pred: predicted labels of the same shape.
        num_classes: labels are 0 to `num_classes` − 1.
        ignore_class: true label of pixels that are left out; may lie outside that range.

    Returns:
        A float in [0, 1]; NaN if no pixel is left.

    Raises:
        ValueError, TypeError: a bad argument, named in the message.

    Reference: Everingham et al., The PASCAL visual object classes challenge, 2010, section 4.3.
    """
    num_classes = arguments.whole(num_classes, "num_classes", 1)
    ignore_class = arguments.check_ignored(ignore_class)
    truth, guess = arguments.label_maps(y_true, y_pred)
    if ignore_class is not None:
        counted = truth != ignore_class
        truth, guess = truth[counted], guess[counted]
    arguments.check_labels(truth, "y_true", num_classes)
    arguments.check_labels(guess, "y_pred", num_classes)
    table = confusion_matrix(truth, guess, num_classes)
    both = np.diag(table)
    return _mean(both, table.sum(0) + table.sum(1) - both)


def confusion_matrix(truth: np.ndarray, guess: np.ndarray, classes: int) -> np.ndarray:
    """Pixels by true class (row) and predicted class (column), of maps of valid class numbers."""
    pairs = truth.astype(np.int64) * classes + guess
    return np.bincount(pairs.ravel(), minlength=classes**2).reshape(classes, classes)


def boundary_iou(
    y_true: Any,
    y_pred: Any,
    num_classes: int,
    width: int | None = None,
    *,
    dilation_ratio: float = 0.02,
    ignore_class: int | None = None,
) -> float:
    """Return the mean over classes of the IoU of the inner boundary bands.

    The band of a class is its mask minus the mask eroded d times by a 3x3 square; the image's
    border counts as outside: at d = 1, `1 1 1 1 0` -> `1 0 0 1 0` on an axis. So a boundary that
    is wrong by a pixel weighs the same for a large object and for a small one.

    Args:
        y_true: integer labels, (H, W) or (N, H, W).
        y_pred: predicted labels of the same shape.
        num_classes: labels are 0 to `num_classes` − 1.
        width: d in pixels, >= 1. None: `dilation_ratio` of the image's diagonal, rounded, >= 1.
        dilation_ratio: in (0, 1]; the authors use 0.02. Only used without `width`.
        ignore_class: true label of pixels that are taken out of every class, in both maps.

    Returns:
        A float in [0, 1]; NaN if no pixel belongs to a class. Classes in neither map are left out.

    Raises:
        ValueError, TypeError: a bad argument, named in the message.

    Reference: Cheng et al., Boundary IoU, CVPR 2021, section 4, https://arxiv.org/abs/2103.16562
    """
    num_classes = arguments.whole(num_classes, "num_classes", 1)
    dilation_ratio = arguments.ratio(dilation_ratio, "dilation_ratio")
    ignore_class = arguments.check_ignored(ignore_class)
    truth, guess = arguments.label_maps(y_true, y_pred)
    if width is None:
        width = arguments.band_width(truth.shape[1], truth.shape[2], dilation_ratio)
    else:
        width = arguments.whole(width, "width", 1)
    counted = np.ones(truth.shape, bool) if ignore_class is None else truth != ignore_class
    arguments.check_labels(truth[counted], "y_true", num_classes)
    arguments.check_labels(guess[counted], "y_pred", num_classes)
    both, either = np.zeros(num_classes, np.int64), np.zeros(num_classes, np.int64)
    for c in range(num_classes):
        a, b = (_band((labels == c) & counted, width) for labels in (truth, guess))
        both[c], either[c] = (a & b).sum(), (a | b).sum()
    return _mean(both, either)


def _band(masks: np.ndarray, width: int) -> np.ndarray:
    """The pixels of masks (N, H, W) within `width` of a pixel outside, diagonals counted as 1."""
    eroded = masks
    for axis in (1, 2):
        pads = [(0, 0)] * 3
        pads[axis] = (width + 1, width)
        # A window of 2d + 1 pixels is whole where as many are counted in it.
        counts = np.cumsum(np.pad(eroded, pads), axis=axis, dtype=np.int64)
        length = masks.shape[axis]
        last = np.take(counts, np.arange(length) + 2 * width + 1, axis)
        first = np.take(counts, np.arange(length), axis)
        eroded = last - first == 2 * width + 1
    return masks & ~eroded


def _mean(both: np.ndarray, either: np.ndarray) -> float:
    """The mean of the quotients over classes that occur."""
    occurs = either > 0
    return float((both[occurs] / either[occurs]).mean()) if occurs.any() else float("nan")
