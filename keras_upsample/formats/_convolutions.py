"""Convolutions that Keras compiles by XLA, traced as plain operators."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._others import _keras
from ..program._patching import Patch, Place


@contextmanager
def inline_convolutions() -> Iterator[None]:
    """Inside, convolutions in groups and channels-first ones of volumes are plain operators.

    Keras calls a function compiled by XLA for them, because TensorFlow on a CPU lacks some. That
    function stays a call in the graph, which no converter opens; the runtimes behind the converters
    know groups. All of Keras' convolutions come together in one function, which is replaced.
    """
    with _patch.entered():
        yield


def _places() -> Iterator[Place]:
    yield _keras.tensorflow_nn(), "conv", _inline


_patch = Patch(_places)


def _inline(original: Callable) -> Callable:
    def conv(
        inputs: Any,
        kernel: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
    ) -> Any:
        import keras
        import tensorflow as tf

        last = (data_format or keras.config.image_data_format()) == "channels_last"
        rank = len(inputs.shape)
        grouped = inputs.shape[-1 if last else 1] != kernel.shape[-2]
        if not _patch.wanted() or not (grouped or (rank == 5 and not last)):
            return original(inputs, kernel, strides, padding, data_format, dilation_rate)
        # the operator sees the number of groups from the kernel's input channels
        x = inputs if last else tf.transpose(inputs, (0, *range(2, rank), 1))
        y = tf.nn.convolution(x, kernel, strides, padding.upper(), dilations=dilation_rate)
        return y if last else tf.transpose(y, (0, rank - 1, *range(1, rank - 1)))

    return conv
