"""Cross-entropy plus the Dice loss."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ._pixel_loss import PixelLoss
from ._sums import over_classes, over_pixels, tversky


@keras.saving.register_keras_serializable(package="keras_upsample")
class CrossEntropyAndDice(PixelLoss):
    """Cross-entropy plus the Dice loss of each image.

    L = −Σ_i w_i Σ_c ((1 − ε) t_ic + ε / C) log p_ic / Σ_i w_i
        + mean_c (1 − 2 Σ_i w_i t_ic p_ic / Σ_i w_i (t_ic + p_ic)),
    p = softmax(logits), i over the pixels of an image; the mean over c is taken over the classes
    that occur in its labels. Dice rates each class as a whole, so that a rare one counts as much as
    the background; cross-entropy gives every pixel a gradient from the first step. One channel of
    logits stands for two classes: p = sigmoid(logits), binary cross-entropy, and Dice of class 1.

    The shipped presets were trained with Dice summed over each batch (as in version 0.1.0). Sums
    over each image are needed for weights of images and for several replicas.

    Input: `y_true` (N, H, W) or (N, H, W, 1), class numbers of any dtype; `y_pred` (N, H, W, C);
    or any number of axes in place of H and W. `sample_weight`: one for each image, (N,), or w for
    each pixel, (N, H, W) or (N, H, W, 1); an image's loss is L times the mean of its w. Computed in
    float32, or float64 on request, whatever the dtype of the logits.

    Args:
        label_smoothing: ε, in [0, 1). Above 0, the minimum of cross-entropy lies at a finite
            distance between logits, log(1 + C (1 − ε) / ε), so that confident pixels do not widen
            the range that 8 bits must represent.
        class_weights: a factor for each class (two for one channel), on the cross-entropy of its
            pixels and on its Dice loss; None for 1. Keras' `fit(class_weight=...)` can't be used
            with class maps.
        ignore_class: label of pixels that are ignored; None if there is none.
        from_logits: False where `y_pred` holds probabilities.
        name: name of the loss.
        kwargs: `reduction` and `dtype`, as in `keras.losses.Loss`.

    Raises:
        ValueError: a wrong argument or shape; a label outside of 0 ... C − 1 that is not
            `ignore_class`. In a TensorFlow graph a wrong label raises InvalidArgumentError; in code
            compiled by XLA, which can't raise, the loss is NaN.

    Reference: Milletari, Navab and Ahmadi, V-Net, 3DV 2016, section 3 (Dice; here without its
    squares, as `keras.losses.Dice`); Szegedy et al., Rethinking the Inception architecture, CVPR
    2016, section 7 (smoothing).
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        *,
        class_weights: Sequence[float] | None = None,
        ignore_class: int | None = 255,
        from_logits: bool = True,
        name: str = "cross_entropy_and_dice",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            class_weights=class_weights,
            ignore_class=ignore_class,
            from_logits=from_logits,
            name=name,
            **kwargs,
        )
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f"`label_smoothing` must be in [0, 1). Received: {label_smoothing!r}. "
                "Common values are 0 to 0.1."
            )
        self.label_smoothing = float(label_smoothing)

    def of_samples(self, logs: Any, truth: Any, weights: Any, first: int) -> Any:
        alpha = self.alpha(logs.dtype)
        share = self.label_smoothing
        smooth = (1 - share) * truth + share / truth.shape[-1]
        entropy = -ops.sum(smooth * logs, axis=2)  # (N, P)
        truths = truth[..., first:]
        dice = tversky(ops.exp(logs[..., first:]), truths, weights, 0.5, 0.5)  # (N, C)
        return over_pixels(entropy, truth, weights, alpha) + over_classes(
            dice, truths, weights, None if alpha is None else alpha[first:]
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
