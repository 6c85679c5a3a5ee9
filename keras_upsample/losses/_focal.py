"""Focal loss."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ._pixel_loss import PixelLoss
from ._sums import over_pixels

_LEAST = 1e-12  # of 1 − p: a power below 1 has no slope at 0


@keras.saving.register_keras_serializable(package="keras_upsample")
class Focal(PixelLoss):
    """Focal loss: cross-entropy in which pixels that are already right count little.

    L = −Σ_i w_i α_c (1 − p_ic)^γ log p_ic / Σ_i w_i, c the label of pixel i, p = softmax(logits),
    or sigmoid(logits) and 1 minus it for one channel. γ = 0 is cross-entropy, with `class_weights`
    class-weighted (divided by the number of pixels, as with Keras' weights, not by Σ α).

    The values are those of `keras.losses.CategoricalFocalCrossentropy(alpha=α)` on one-hot labels.
    The loss is computed from the logarithm of p. Keras' own clips p at 1e-7, so that the pixels
    that are most wrong get no gradient.

    Input and `sample_weight`: as `CrossEntropyAndDice`.

    Args:
        gamma: γ, >= 0; the paper's best is 2.
        class_weights: α by class (two for one channel, the paper's (0.75, 0.25)); None for 1.
        ignore_class: label of pixels that are ignored; None if there is none.
        from_logits: False where `y_pred` holds probabilities.
        name: name of the loss.
        kwargs: `reduction` and `dtype`, as in `keras.losses.Loss`.

    Raises:
        ValueError: as `CrossEntropyAndDice`, and `gamma` below 0.

    Reference: Lin, Goyal, Girshick, He and Dollár, Focal Loss for Dense Object Detection, ICCV
    2017, equation 5, https://arxiv.org/abs/1708.02002
    """

    def __init__(
        self,
        gamma: float = 2.0,
        *,
        class_weights: Sequence[float] | None = None,
        ignore_class: int | None = 255,
        from_logits: bool = True,
        name: str = "focal",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            class_weights=class_weights,
            ignore_class=ignore_class,
            from_logits=from_logits,
            name=name,
            **kwargs,
        )
        if not 0 <= gamma < float("inf"):
            raise ValueError(f"`gamma` must be a number from 0 up. Received: {gamma!r}.")
        self.gamma = float(gamma)

    def of_samples(self, logs: Any, truth: Any, weights: Any, first: int) -> Any:
        log = ops.sum(truth * logs, axis=2)  # (N, P)
        values = -log
        if self.gamma:
            values = values * ops.power(ops.maximum(-ops.expm1(log), _LEAST), self.gamma)
        return over_pixels(values, truth, weights, self.alpha(logs.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma}
