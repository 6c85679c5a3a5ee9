"""Boundary IoU as a Keras metric."""

from typing import Any

import keras
from keras import ops

from ..ops._backend import sizes
from . import _arguments as arguments


@keras.saving.register_keras_serializable(package="keras_upsample")
class BoundaryIoU(keras.metrics.Metric):
    """Measures the IoU of the inner boundary bands of prediction and truth, class by class.

    The band of a class is its mask minus the mask eroded d times by a 3x3 square; the image's
    border counts as outside: at d = 1, `1 1 1 1 0` -> `1 0 0 1 0` on an axis. Pixels of all
    batches are counted together; the result is the mean over classes that occurred.

    Input: `y_true` (N, H, W) or (N, H, W, 1), integer labels of any dtype; `y_pred`
    (N, H, W, num_classes), logits or probabilities, or with `sparse_y_pred=True` labels as
    `y_true`'s. A `sample_weight` of shape (N,), (N, H, W) or (N, H, W, 1) weighs the counts.

    Args:
        num_classes: labels are 0 to `num_classes` − 1.
        dilation_ratio: d as a share of the image's diagonal, rounded, at least 1 pixel; in (0, 1].
            The authors use 0.02.
        width: d in pixels, in place of `dilation_ratio`, >= 1.
        ignore_class: true label of pixels that are taken out of every class, in both maps.
        sparse_y_pred: whether `y_pred` holds labels, not scores.
        name: name of the metric.
        dtype: dtype of the counts; None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; shapes other than above.

    Reference: Cheng et al., Boundary IoU, CVPR 2021, section 4, https://arxiv.org/abs/2103.16562
    """

    def __init__(
        self,
        num_classes: int,
        dilation_ratio: float = 0.02,
        *,
        width: int | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        name: str | None = "boundary_iou",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.num_classes = arguments.whole(num_classes, "num_classes", 1)
        self.dilation_ratio = arguments.ratio(dilation_ratio, "dilation_ratio")
        self.width = None if width is None else arguments.whole(width, "width", 1)
        self.ignore_class = arguments.check_ignored(ignore_class)
        self.sparse_y_pred = bool(sparse_y_pred)
        shape = (self.num_classes,)
        self.intersection = self.add_variable(shape, initializer="zeros", name="intersection")
        self.union = self.add_variable(shape, initializer="zeros", name="union")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count one batch."""
        truth = self._labels(ops.convert_to_tensor(y_true), "y_true")
        guess = ops.convert_to_tensor(y_pred)
        if self.sparse_y_pred:
            guess = self._labels(guess, "y_pred")
        else:
            self._check_scores(tuple(guess.shape))
            guess = ops.cast(ops.argmax(guess, axis=-1), "int32")  # (N, H, W)
        if self.ignore_class is not None:
            ignored = ops.equal(truth, self.ignore_class)
            truth, guess = (ops.where(ignored, -1, labels) for labels in (truth, guess))
        classes = ops.arange(self.num_classes, dtype="int32")
        a, b = (
            self._band(ops.cast(ops.equal(labels[..., None], classes), self.dtype))
            for labels in (truth, guess)
        )  # (N, H, W, classes)
        both, either = ops.minimum(a, b), ops.maximum(a, b)
        if sample_weight is not None:
            weight = ops.cast(sample_weight, self.dtype)
            weight = ops.reshape(weight, (*weight.shape[:3], *[1] * (4 - len(weight.shape[:3]))))
            both, either = both * weight, either * weight
        self.intersection.assign_add(ops.sum(both, axis=(0, 1, 2)))
        self.union.assign_add(ops.sum(either, axis=(0, 1, 2)))

    def _band(self, masks: Any) -> Any:
        """The pixels within d of the outside: mask · (1 − mask, dilated d times)."""
        _, height, columns, _ = sizes(masks)
        outside = 1 - masks
        if self.width is not None or (isinstance(height, int) and isinstance(columns, int)):
            width = self.width or arguments.band_width(height, columns, self.dilation_ratio)
            return masks * _dilate(outside, width)
        # Sizes that only the graph knows: the width is one of its numbers too.
        squares = ops.cast(height, "float32") ** 2 + ops.cast(columns, "float32") ** 2
        width = ops.cast(ops.round(self.dilation_ratio * ops.sqrt(squares)), "int32")
        _, outside = ops.while_loop(
            lambda step, image: step < ops.maximum(width, 1),
            lambda step, image: (step + 1, ops.reshape(_dilate(image, 1), ops.shape(image))),
            (0, outside),
        )
        return masks * outside

    def result(self) -> Any:
        """Return the mean over the classes that occurred; NaN before any did."""
        occurs = ops.cast(ops.greater(self.union, 0), self.dtype)
        quotients = ops.divide_no_nan(self.intersection, self.union)
        return ops.sum(quotients) / ops.sum(occurs)

    def _labels(self, labels: Any, name: str) -> Any:
        shape = tuple(labels.shape)
        if len(shape) == 4 and shape[3] == 1:
            labels = labels[..., 0]
        elif len(shape) != 3:
            raise ValueError(
                f"`{name}` must hold labels, (batch, height, width) or (batch, height, width, 1). "
                f"Received shape {shape}. Take the argmax of one-hot labels or scores first."
            )
        return ops.cast(labels, "int32")  # (N, H, W)

    def _check_scores(self, shape: tuple[int | None, ...]) -> None:
        if len(shape) != 4 or shape[3] != self.num_classes:
            raise ValueError(
                f"`y_pred` must have shape (batch, height, width, {self.num_classes}), one score a "
                f"class. Received: {shape}. Pass `sparse_y_pred=True` for labels."
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "dilation_ratio": self.dilation_ratio,
            "width": self.width,
            "ignore_class": self.ignore_class,
            "sparse_y_pred": self.sparse_y_pred,
        }


def _dilate(images: Any, width: int) -> Any:
    """The largest value within `width` on both axes; ones outside the image."""
    pads = ((0, 0), (width, width), (width, width), (0, 0))
    images = ops.pad(images, pads, constant_values=1)
    for window in ((2 * width + 1, 1), (1, 2 * width + 1)):
        images = ops.max_pool(images, window, 1, "valid", data_format="channels_last")
    return images
