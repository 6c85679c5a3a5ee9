"""The loss of the segmentation recipes."""

from typing import Any

import keras
from keras import ops

from ..data._labelled import IGNORED


@keras.saving.register_keras_serializable(package="keras_upsample")
class CrossEntropyAndDice(keras.losses.Loss):
    """Cross-entropy plus Keras' Dice loss, from logits and class numbers.

    L = −mean log p_t + (1 − mean_c 2 Σ t_c p_c / Σ (t_c + p_c)), p = softmax(logits). Dice sees
    each class as a whole, so that a rare one counts as much as the background; cross-entropy gives
    every pixel a gradient from the first step. Pixels of class number 255 count in neither.

    Args:
        name: of the loss.

    Reference: Milletari, Navab and Ahmadi, V-Net, 3DV 2016, section 3 (Dice); `keras.losses.Dice`.
    """

    def __init__(self, name: str = "cross_entropy_and_dice", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self._entropy = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=IGNORED
        )
        # Each class is a sum over images and pixels, so a batch without it costs nothing.
        self._dice = keras.losses.Dice(axis=(0, 1, 2))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        labels = ops.cast(y_true, "int32")
        truth = ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype)
        counted = ops.sum(truth, axis=-1, keepdims=True)
        return self._entropy(labels, y_pred) + self._dice(truth, ops.softmax(y_pred) * counted)
