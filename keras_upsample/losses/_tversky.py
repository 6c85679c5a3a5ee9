"""Tversky loss."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ._pixel_loss import PixelLoss
from ._sums import over_classes, tversky


@keras.saving.register_keras_serializable(package="keras_upsample")
class Tversky(PixelLoss):
    """The Dice loss with separate weights for false positives and false negatives.

    L = mean_c (1 − TP_c / (TP_c + α FP_c + β FN_c)), TP_c = Σ_i w_i t_ic p_ic,
    FP_c = Σ_i w_i (1 − t_ic) p_ic, FN_c = Σ_i w_i t_ic (1 − p_ic), i over the pixels of an image,
    the mean over the classes that occur in its labels; for one channel of logits, class 1 alone.
    α = β = 1/2 is the Dice loss, α = β = 1 that of IoU.

    `keras.losses.Tversky` (3.15) exchanges the two: its `alpha` is `beta` here and in the paper,
    the weight of false negatives. It supports neither pixel weights nor ignored pixels.

    Input and `sample_weight`: as `CrossEntropyAndDice`.

    Args:
        alpha: α, the weight of false positives, >= 0; the paper's best is 0.3.
        beta: β, the weight of false negatives, >= 0; the paper's best is 0.7.
        class_weights: a factor for each class (two for one channel); None for 1.
        ignore_class: label of pixels that are ignored; None if there is none.
        from_logits: False where `y_pred` holds probabilities.
        name: name of the loss.
        kwargs: `reduction` and `dtype`, as in `keras.losses.Loss`.

    Raises:
        ValueError: as `CrossEntropyAndDice`; `alpha` or `beta` below 0.

    Reference: Salehi, Erdogmus and Gholipour, Tversky loss function for image segmentation using 3D
    fully convolutional deep networks, MLMI 2017, equations 1 and 2,
    https://arxiv.org/abs/1706.05721
    """

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        *,
        class_weights: Sequence[float] | None = None,
        ignore_class: int | None = 255,
        from_logits: bool = True,
        name: str = "tversky",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            class_weights=class_weights,
            ignore_class=ignore_class,
            from_logits=from_logits,
            name=name,
            **kwargs,
        )
        for what, price in (("alpha", alpha), ("beta", beta)):
            if not 0 <= price < float("inf"):
                raise ValueError(f"`{what}` must be a number from 0 up. Received: {price!r}.")
        self.false_positive, self.false_negative = float(alpha), float(beta)

    def of_samples(self, logs: Any, truth: Any, weights: Any, first: int) -> Any:
        truth, p = truth[..., first:], ops.exp(logs[..., first:])
        alpha = self.alpha(logs.dtype)
        values = tversky(p, truth, weights, self.false_positive, self.false_negative)
        return over_classes(values, truth, weights, None if alpha is None else alpha[first:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.false_positive, "beta": self.false_negative}
