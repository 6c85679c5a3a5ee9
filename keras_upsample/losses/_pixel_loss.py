"""Base class of the losses of class maps: everything but their formula."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._others._keras import mask_of
from ..ops._backend import reshape, sizes
from . import _labels as labels


class _Reduced(keras.losses.Loss):
    """Keras' own reduction of values that are there already: weights, replicas, dtype."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return y_pred


class PixelLoss(keras.losses.Loss):
    """One value a sample, from class numbers and logits, with weights inside the sums.

    A subclass gives `of_samples`, the loss of each sample under weights of its pixels. Pixels that
    do not count have weight 0. A sample's value is `of_samples` times the mean weight of its
    counted pixels, so that doubled weights double the loss, and a weight for each pixel of an image
    that is everywhere the same is a weight for the image. `reduction` then is Keras' own: its mean
    is taken over samples, an image without a counted pixel being 0.

    One channel of logits stands for two classes: class 1 by the sigmoid, class 0 by the rest.
    """

    def __init__(
        self,
        *,
        class_weights: Sequence[float] | None,
        ignore_class: int | None,
        from_logits: bool,
        name: str,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if class_weights is not None:
            class_weights = [float(weight) for weight in class_weights]
            if not class_weights or not all(0 <= weight < float("inf") for weight in class_weights):
                raise ValueError(
                    "`class_weights` must be one number from 0 up a class. Received: "
                    f"{class_weights!r}."
                )
        if ignore_class is not None and (
            isinstance(ignore_class, bool) or int(ignore_class) != ignore_class
        ):
            raise ValueError(
                f"`ignore_class` must be a whole number or None. Received: {ignore_class!r}."
            )
        self.class_weights = class_weights
        self.ignore_class = None if ignore_class is None else int(ignore_class)
        self.from_logits = bool(from_logits)
        self._own_dtype = dtype is not None

    def of_samples(self, logs: Any, truth: Any, weights: Any, first: int) -> Any:
        """(N,): each sample's loss.

        Args:
            logs: log-probabilities, (N, P, C).
            truth: one-hot labels, (N, P, C).
            weights: weights of the pixels, (N, P).
            first: first class whose overlap counts: 1 where one channel stands for two classes,
                else 0.
        """
        raise NotImplementedError

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(N,): each sample by itself, unweighted."""
        return self._values(y_true, y_pred, None)[0]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        with keras.name_scope(self.name):
            values, weights = self._values(y_true, y_pred, sample_weight)
            reduced = _Reduced(name=self.name, reduction=self.reduction, dtype=self.dtype)
            return reduced(values, values, weights)

    def _values(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any]:
        """The loss of each sample, (N,), and its weight, (N,) or None."""
        # Sums over the pixels of an image are beyond float16, and too fine for bfloat16.
        dtype = "float64" if self.dtype == "float64" else "float32"
        mask = mask_of(y_pred)
        scores, truth = ops.convert_to_tensor(y_pred), ops.convert_to_tensor(y_true)
        truth = labels.whole(truth)
        shape = tuple(scores.shape)
        labels.check_shapes(labels.known_shape(truth), shape)
        channels = int(shape[-1])
        samples, *places = sizes(scores)[:-1]
        pixels = 1
        for size in places:
            pixels = pixels * size
        classes = max(channels, 2)
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise ValueError(
                f"`class_weights` must be one number for each of {classes} classes. Received "
                f"{len(self.class_weights)}: {self.class_weights}."
            )

        truth = reshape(truth, (samples, pixels))
        counted = ops.ones_like(truth, dtype="bool")
        if self.ignore_class is not None:
            counted = ops.not_equal(truth, self.ignore_class)
        wrong = labels.wrong_labels(truth, counted, classes)
        marks = labels.refuse(wrong, truth, classes, self.ignore_class)
        number = ops.where(ops.logical_and(counted, ops.logical_not(wrong)), truth, 0)
        one_hot = ops.one_hot(ops.cast(number, "int32"), classes, dtype=dtype)  # (N, P, C)

        weights = ops.cast(counted, dtype)  # (N, P)
        if mask is not None:
            mask = ops.convert_to_tensor(mask)
            mask = labels.of_pixels(mask, "mask", shape, samples, pixels)
            weights = weights * ops.cast(mask, dtype)
        count = ops.sum(weights, axis=1)
        if sample_weight is not None:
            given = ops.convert_to_tensor(sample_weight)
            given = labels.of_pixels(given, "sample_weight", shape, samples, pixels)
            # A weight or score of a pixel that does not count may be anything, NaN too.
            weights = ops.where(weights != 0, weights * ops.cast(given, dtype), 0)

        scores = reshape(ops.cast(scores, dtype), (samples, pixels, channels))
        scores = ops.where(counted[..., None], scores, 0.5)
        logs = _log_probabilities(scores, self.from_logits)
        values = self.of_samples(logs, one_hot, weights, int(channels == 1))
        values = values * ops.cast(marks, dtype)
        if sample_weight is None:
            return values, None
        return values, ops.divide_no_nan(ops.sum(weights, axis=1), count)

    def alpha(self, dtype: Any) -> Any:
        """`class_weights` as a tensor, or None."""
        if self.class_weights is None:
            return None
        return ops.convert_to_tensor(self.class_weights, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"dtype": self.dtype} if self._own_dtype else {}
        return {
            **super().get_config(),
            **own,
            "class_weights": self.class_weights,
            "ignore_class": self.ignore_class,
            "from_logits": self.from_logits,
        }


def _log_probabilities(scores: Any, from_logits: bool) -> Any:
    """(N, P, C), of two classes where there is one channel."""
    if not from_logits:
        # The logarithm of probabilities is one of their logits.
        epsilon = keras.config.epsilon()
        scores = ops.clip(scores, epsilon, 1 - epsilon)
        if scores.shape[-1] > 1:
            return ops.log_softmax(ops.log(scores), axis=-1)
        return ops.concatenate([ops.log1p(-scores), ops.log(scores)], axis=-1)
    if scores.shape[-1] > 1:
        return ops.log_softmax(scores, axis=-1)
    return ops.concatenate([ops.log_sigmoid(-scores), ops.log_sigmoid(scores)], axis=-1)
