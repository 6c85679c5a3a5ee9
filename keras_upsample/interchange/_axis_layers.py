"""Layers that compute along single axes: constant matrices, shifted windows, pads, repeats."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import keras
from keras import ops

Shape = tuple[Any, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class AlongAxis(keras.layers.Layer):
    """y[.., i, ..] = Σ_k M[i, k] x[.., k, ..] along an axis, for a constant M that is not trained.

    Resizes, adaptive pools and cumulative sums are of this kind.

    Args:
        axis: >= 1; its length is known.
        length: of y along the axis, the rows of M.
    """

    def __init__(self, axis: int, length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis, self.length = axis, length

    def build(self, input_shape: Shape) -> None:
        self.matrix = self.add_weight(
            name="matrix",
            shape=(self.length, input_shape[self.axis]),
            initializer="zeros",
            trainable=False,
        )

    def call(self, inputs: Any) -> Any:
        matrix = ops.cast(self.matrix, inputs.dtype)
        rank = len(inputs.shape)
        if self.axis == rank - 1:
            return ops.matmul(inputs, ops.transpose(matrix))
        if self.axis == rank - 2:
            return ops.matmul(matrix, inputs)
        shape = list(ops.shape(inputs))
        rest = prod(shape[self.axis + 1 :])
        rows = ops.reshape(inputs, (-1, inputs.shape[self.axis], rest))
        shape[self.axis] = self.length
        return ops.reshape(ops.matmul(matrix, rows), shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape)
        shape[self.axis] = self.length
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "length": self.length}


_WINDOWS: Mapping[str, Callable[..., Any]] = {"max": ops.maximum, "sum": ops.add}


@keras.saving.register_keras_serializable(package="keras_upsample")
class DilatedPool(keras.layers.Layer):
    """y[i] = max or sum over j of x[stride i + dilation j], one axis after another, no padding.

    Args:
        kind: "max" or "sum".
        size, strides, dilation: one number for each axis from 1 on, without the channels, the last
            axis.
    """

    def __init__(
        self,
        kind: str,
        size: Sequence[int],
        strides: Sequence[int],
        dilation: Sequence[int],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.size, self.strides, self.dilation = tuple(size), tuple(strides), tuple(dilation)

    def call(self, inputs: Any) -> Any:
        y = inputs
        lengths = self.compute_output_shape(inputs.shape)[1:-1]
        axes = zip(lengths, self.size, self.strides, self.dilation, strict=True)
        for axis, (length, size, stride, rate) in enumerate(axes, 1):
            x, y = y, None
            for j in range(size):
                index = [slice(None)] * len(x.shape)
                index[axis] = slice(j * rate, j * rate + (length - 1) * stride + 1, stride)
                part = x[tuple(index)]
                y = part if y is None else _WINDOWS[self.kind](y, part)
        return y

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        n, *lengths, channels = input_shape
        sizes = zip(lengths, self.size, self.strides, self.dilation, strict=True)
        result = [(x - (k - 1) * d - 1) // s + 1 for x, k, s, d in sizes]
        return (n, *result, channels)

    def get_config(self) -> dict[str, Any]:
        own = {"kind": self.kind, "size": self.size, "strides": self.strides}
        return {**super().get_config(), **own, "dilation": self.dilation}


@keras.saving.register_keras_serializable(package="keras_upsample")
class PadAxes(keras.layers.Layer):
    """A tensor of any rank with a constant around it.

    Args:
        pads: (before, behind) of each axis from 1 on, each >= 0.
        value: of the constant.
    """

    def __init__(self, pads: Sequence[Sequence[int]], value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pads, self.value = tuple((a, b) for a, b in pads), value

    def call(self, inputs: Any) -> Any:
        return ops.pad(inputs, ((0, 0), *self.pads), "constant", constant_values=self.value)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        n, *lengths = input_shape
        sizes = zip(lengths, self.pads, strict=True)
        return (n, *(None if x is None else x + sum(pads) for x, pads in sizes))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pads": self.pads, "value": self.value}


@keras.saving.register_keras_serializable(package="keras_upsample")
class Tiled(keras.layers.Layer):
    """A tensor some times behind itself along its axes: `1 2` twice -> `1 2 1 2`.

    Args:
        times: of each axis from 1 on.
    """

    def __init__(self, times: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.times = tuple(times)

    def call(self, inputs: Any) -> Any:
        return ops.tile(inputs, (1, *self.times))

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        n, *lengths = inputs.shape
        sizes = zip(lengths, self.times, strict=True)
        shape = (n, *(None if x is None else x * times for x, times in sizes))
        return keras.KerasTensor(shape, dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "times": self.times}


_REDUCTIONS: Mapping[str, Callable[..., Any]] = {
    "ReduceL1": lambda x, **o: ops.sum(ops.abs(x), **o),
    "ReduceL2": lambda x, **o: ops.sqrt(ops.sum(ops.square(x), **o)),
    "ReduceLogSum": lambda x, **o: ops.log(ops.sum(x, **o)),
    "ReduceLogSumExp": lambda x, **o: ops.logsumexp(x, **o),
    "ReduceProd": lambda x, **o: ops.prod(x, **o),
    "ReduceSumSquare": lambda x, **o: ops.sum(ops.square(x), **o),
}
REDUCTIONS = tuple(_REDUCTIONS)


@keras.saving.register_keras_serializable(package="keras_upsample")
class Reduced(keras.layers.Layer):
    """One number for all elements along some axes.

    Args:
        kind: of the number, by ONNX' name: one of `REDUCTIONS`.
        axes: each >= 1.
        keepdims: whether y has the rank of x.
    """

    def __init__(self, kind: str, axes: Sequence[int], keepdims: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind, self.axes, self.keepdims = kind, tuple(axes), keepdims

    def call(self, inputs: Any) -> Any:
        return _REDUCTIONS[self.kind](inputs, axis=self.axes, keepdims=self.keepdims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        kept = (1 if axis in self.axes else n for axis, n in enumerate(input_shape))
        left = (n for axis, n in enumerate(input_shape) if axis not in self.axes)
        return tuple(kept if self.keepdims else left)

    def get_config(self) -> dict[str, Any]:
        own = {"kind": self.kind, "axes": self.axes, "keepdims": self.keepdims}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="keras_upsample")
class PlaceOfExtreme(keras.layers.Layer):
    """The place of the largest or least value along an axis, the first one in a tie, as int32.

    Args:
        kind: "max" or "min".
        axis: >= 1.
        keepdims: whether y has the rank of x.
    """

    def __init__(self, kind: str, axis: int, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind, self.axis, self.keepdims = kind, axis, keepdims

    def call(self, inputs: Any) -> Any:
        # keras.ops asks for int64, which LiteRT has no operator for.
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            operation = {"max": tf.argmax, "min": tf.argmin}[self.kind]
            y = operation(inputs, axis=self.axis, output_type=tf.int32)
        else:
            y = {"max": ops.argmax, "min": ops.argmin}[self.kind](inputs, axis=self.axis)
            y = ops.cast(y, "int32")
        return ops.expand_dims(y, self.axis) if self.keepdims else y

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        shape = list(inputs.shape)
        shape[self.axis : self.axis + 1] = [1] if self.keepdims else []
        return keras.KerasTensor(shape, dtype="int32")

    def get_config(self) -> dict[str, Any]:
        own = {"kind": self.kind, "axis": self.axis, "keepdims": self.keepdims}
        return {**super().get_config(), **own}
