"""What a network answers: scores on images it never saw, patterns of its own making, crops."""

from typing import Any

import numpy as np

BLUR = 2.0
"""Standard deviation in pixels of the blur that leaves an image nothing at a period of 2 pixels."""

CROP = (0, 46, 297, 64)
"""Number of the test image, top, left and side of the crop that is shown."""


def scores_of(model: Any, image: np.ndarray) -> np.ndarray:
    """The logits of one image, (H, W, classes), float64."""
    return np.asarray(model(image[None], training=False)[0], "float64")


def accuracy(model: Any, labelled: Any, band: int) -> dict[str, Any]:
    """Mean and boundary IoU over all images together, and the IoU of each class."""
    from keras_upsample.metrics import boundary_iou, mean_iou

    classes = len(labelled.classes)
    guesses = [scores_of(model, image).argmax(-1) for image in labelled.images]
    truths = list(labelled.labels)
    iou = []
    for c in range(classes):
        both = sum(int(((t == c) & (g == c)).sum()) for t, g in zip(truths, guesses, strict=True))
        either = sum(int(((t == c) | (g == c)).sum()) for t, g in zip(truths, guesses, strict=True))
        iou.append(both / either if either else float("nan"))
    truth, guess = np.stack(truths), np.stack(guesses)
    return {
        "mean_iou": mean_iou(truth, guess, classes),
        "boundary_iou": boundary_iou(truth, guess, classes, band),
        "iou": iou,
    }


def pattern(model: Any, image: np.ndarray) -> float:
    """Checkerboard energy of the logits at a period of 2 pixels, on the image blurred.

    The blurred image has nothing at that period (the Gaussian leaves a share of 1e-5 or less of an
    amplitude), so that what the logits have there is of the network's own making.
    """
    from keras_upsample.metrics import checkerboard_energy

    return checkerboard_energy(scores_of(model, smooth(image)))


def smooth(image: np.ndarray) -> np.ndarray:
    """The image, each channel blurred by a Gaussian."""
    from skimage.filters import gaussian

    return gaussian(image, BLUR, channel_axis=-1).astype("float32")


def crop_of(pixels: np.ndarray) -> np.ndarray:
    """The part of a test image, or of its logits, that is shown."""
    _, top, left, side = CROP
    return pixels[top : top + side, left : left + side]


def as_colours(logits: np.ndarray) -> np.ndarray:
    """Probabilities as a mix of the classes' colours, (H, W, 3) uint8."""
    from keras_upsample.viz import class_colours

    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.rint(weights @ np.array(class_colours(logits.shape[-1]), "float64")).astype("uint8")


def as_grey(logits: np.ndarray) -> np.ndarray:
    """The first class's logits, from their least to their largest, (H, W) uint8."""
    values = logits[..., 0]
    low, high = values.min(), values.max()
    return np.rint(255 * (values - low) / (high - low or 1)).astype("uint8")
