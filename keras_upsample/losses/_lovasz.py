"""Lovász-softmax loss."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ._pixel_loss import PixelLoss
from ._sums import lovasz, over_classes


@keras.saving.register_keras_serializable(package="keras_upsample")
class LovaszSoftmax(PixelLoss):
    """Lovász-softmax: a continuous extension of 1 − IoU to probabilities.

    L = mean_c Σ_i m_(i) (J_i − J_(i−1)), m_i = |t_ic − p_ic| the errors of an image's pixels in
    descending order, J_i = 1 − IoU of class c if the pixels up to place i were wrong and the rest
    right; the mean over the classes that occur in its labels. p = softmax(logits). For one channel
    of logits p = sigmoid(logits), and only class 1 counts (the paper uses a hinge there). Pixel
    weights apply to intersection and union. If every p is 0 or 1, the loss is 1 − mean IoU.

    Input and `sample_weight`: as `CrossEntropyAndDice`. Sorting costs O(P log P) for an image of P
    pixels. The paper trains on it after cross-entropy, or adds the two.

    Args:
        class_weights: a factor for each class (two for one channel); None for 1.
        ignore_class: label of pixels that are ignored; None if there is none.
        from_logits: False where `y_pred` holds probabilities.
        name: name of the loss.
        kwargs: `reduction` and `dtype`, as in `keras.losses.Loss`.

    Raises:
        ValueError: as `CrossEntropyAndDice`.

    Reference: Berman, Rannen Triki and Blaschko, The Lovász-Softmax loss, CVPR 2018, equations 8 to
    12 and algorithm 1, https://arxiv.org/abs/1705.08790
    """

    def __init__(
        self,
        *,
        class_weights: Sequence[float] | None = None,
        ignore_class: int | None = 255,
        from_logits: bool = True,
        name: str = "lovasz_softmax",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            class_weights=class_weights,
            ignore_class=ignore_class,
            from_logits=from_logits,
            name=name,
            **kwargs,
        )

    def of_samples(self, logs: Any, truth: Any, weights: Any, first: int) -> Any:
        truth, p = truth[..., first:], ops.exp(logs[..., first:])
        alpha = self.alpha(logs.dtype)
        values = lovasz(p, truth, weights)
        return over_classes(values, truth, weights, None if alpha is None else alpha[first:])
