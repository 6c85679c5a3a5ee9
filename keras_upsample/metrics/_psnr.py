"""Peak signal-to-noise ratio, as papers on super-resolution measure it."""

from typing import Any

import numpy as np

from . import _arguments as arguments

COLOURS = ("rgb", "y")
# BT.601 luma in studio swing, 16 to 235 of 255, as MATLAB's rgb2ycbcr.
_LUMA, _BLACK = np.array([65.481, 128.553, 24.966]) / 255, 16 / 255


def psnr(y_true: Any, y_pred: Any, *, border: int = 0, colour: str = "rgb") -> float:
    """Return the peak signal-to-noise ratio of images in [0, 1], in decibels.

    −10 log10(mean (t − p)²): an error of 0.1 everywhere -> 20 dB. For a batch, the mean of the
    values of its images. Pixels are neither clipped nor rounded: clip a prediction to [0, 1] first,
    as saving it would.

    Args:
        y_true: floats in [0, 1], (H, W), (H, W, C) or (N, H, W, C).
        y_pred: floats of the same shape.
        border: pixels cropped at each side first; papers crop as many as the scale.
        colour: "rgb": over all channels, of any number. "y": of the luma 16/255 + (65.481 R +
            128.553 G + 24.966 B)/255 of RGB images, as most papers report; 1.3 dB higher for grey
            errors, because luma spans 219/255 of the range.

    Returns:
        Decibels; infinity for equal images.

    Raises:
        ValueError, TypeError: a bad argument, named in the message.

    Reference: Yang, Ma and Yang, Single-image super-resolution: a benchmark, 2014, section 4.2.
    """
    border = arguments.whole(border, "border", 0)
    if colour not in COLOURS:
        raise ValueError(f"`colour` must be one of 'rgb', 'y'. Received: {colour!r}.")
    if np.shape(y_true) != np.shape(y_pred):
        raise ValueError(
            "`y_true` and `y_pred` must have one shape. Received: "
            f"{np.shape(y_true)} and {np.shape(y_pred)}."
        )
    truth, guess = arguments.images(y_true, "y_true"), arguments.images(y_pred, "y_pred")
    if truth.min() < 0 or truth.max() > 1:
        raise ValueError(
            f"`y_true` must lie in [0, 1]. Received values from {truth.min():g} to "
            f"{truth.max():g}. Divide bytes by 255."
        )
    if 2 * border >= min(truth.shape[1:3]):
        raise ValueError(
            f"`border` must leave a pixel. Received: {border} of images {truth.shape[1:3]}."
        )
    if colour == "y":
        if truth.shape[3] != 3:
            raise ValueError(
                f"`colour='y'` needs 3 channels, RGB. Received: {truth.shape[3]}. Use "
                "colour='rgb' for what is luma already."
            )
        truth, guess = truth @ _LUMA + _BLACK, guess @ _LUMA + _BLACK  # (N, H, W)
    inner = slice(border, -border or None)
    difference = (truth - guess)[:, inner, inner]
    squares = np.mean(difference**2, axis=tuple(range(1, difference.ndim)))  # (N,)
    with np.errstate(divide="ignore"):
        return float(np.mean(-10 * np.log10(squares)))
