"""The loss of the segmentation recipes."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_upsample")
class CrossEntropyAndDice(keras.losses.Loss):
    """Cross-entropy plus Keras' Dice loss, from logits and class numbers.

    L = −mean Σ_c ((1 − ε) t_c + ε / C) log p_c + (1 − mean_c 2 Σ t_c p_c / Σ (t_c + p_c)),
    p = softmax(logits), of C classes. Dice sees each class as a whole, so that a rare one counts as
    much as the background; cross-entropy gives every pixel a gradient from the first step. Pixels
    of class number 255 count in neither.

    Args:
        label_smoothing: ε, in [0, 1). Above 0 cross-entropy is least at a finite distance between
            logits, log(1 + C (1 − ε) / ε), so that sure pixels do not widen the range that 8 bits
            must hold.
        name: of the loss.

    Raises:
        ValueError: `label_smoothing` outside of [0, 1).

    Reference: Milletari, Navab and Ahmadi, V-Net, 3DV 2016, section 3 (Dice); `keras.losses.Dice`;
    Szegedy et al., Rethinking the Inception architecture, CVPR 2016, section 7 (smoothing).
    """

    def __init__(
        self, label_smoothing: float = 0.0, name: str = "cross_entropy_and_dice", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f"`label_smoothing` must be in [0, 1). Received: {label_smoothing!r}. "
                "Common values are 0 to 0.1."
            )
        self.label_smoothing = float(label_smoothing)
        # Each class is a sum over images and pixels, so a batch without it costs nothing.
        self._dice = keras.losses.Dice(axis=(0, 1, 2))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        truth = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
        counted = ops.sum(truth, axis=-1, keepdims=True)
        share = self.label_smoothing
        smooth = (1 - share) * truth + share / y_pred.shape[-1] * counted
        pixels = ops.maximum(ops.sum(counted), 1)
        entropy = -ops.sum(smooth * ops.log_softmax(y_pred)) / pixels
        return entropy + self._dice(truth, ops.softmax(y_pred) * counted)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
