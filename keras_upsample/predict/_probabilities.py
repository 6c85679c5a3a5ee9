"""Output of a network -> probabilities -> classes, for few channels, channels last.

NumPy's own reductions over a last axis of length 3 are slower than a loop over its planes.
"""

import numpy as np


def as_probabilities(values: np.ndarray, logits: bool, *, exclusive: bool = True) -> np.ndarray:
    """Softmax over K > 1 channels, sigmoid of a single one; probabilities are only copied.

    Where the classes are not `exclusive` (several labels at one pixel), a sigmoid of each channel.

    (h, w, K) -> (h, w, K) float32, a new array.
    """
    if not logits:
        return values.astype("float32")
    if values.shape[-1] == 1 or not exclusive:
        return sigmoid(values)
    planes = [values[..., k] for k in range(values.shape[-1])]
    highest = planes[0]
    for plane in planes[1:]:
        highest = np.maximum(highest, plane)
    powers = [np.subtract(plane, highest, dtype="float32") for plane in planes]
    for power in powers:
        np.exp(power, out=power)
    share = np.reciprocal(sum(powers[1:], powers[0]))
    result = np.empty(values.shape, "float32")
    for k, power in enumerate(powers):
        np.multiply(power, share, out=result[..., k])
    return result


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−x)), written with tanh, which does not overflow."""
    result = np.multiply(values, 0.5, dtype="float32")
    np.tanh(result, out=result)
    result += 1
    result *= 0.5
    return result


def as_labels(probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """The class of every pixel: the argmax, or for K = 1 whether the value is >= threshold.

    (h, w, K) -> (h, w) uint8, or uint16 above 256 classes.
    """
    classes = probabilities.shape[-1]
    if classes == 1:
        return (probabilities[..., 0] >= threshold).astype("uint8")
    return probabilities.argmax(axis=-1).astype("uint8" if classes <= 256 else "uint16")
