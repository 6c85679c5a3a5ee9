"""Layers that only models of elsewhere need: arithmetic with a constant, slices, pads."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

_ARITHMETIC = {
    "Add": lambda x, c: x + c,
    "Sub": lambda x, c: x - c,
    "Mul": lambda x, c: x * c,
    "Div": lambda x, c: x / c,
    "Pow": lambda x, c: ops.power(x, c),
    "Max": lambda x, c: ops.maximum(x, c),
    "Min": lambda x, c: ops.minimum(x, c),
}
ARITHMETIC = tuple(_ARITHMETIC)


@keras.saving.register_keras_serializable(package="keras_upsample")
class WithConstant(keras.layers.Layer):
    """y = x ∘ c or c ∘ x for a trainable constant c, with NumPy's broadcasting.

    Args:
        kind: ∘, by ONNX' name: one of `ARITHMETIC`.
        shape: of c, of the rank of x, the batch included.
        first: whether c stands on the left.
    """

    def __init__(self, kind: str, shape: Sequence[int], first: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind, self.shape, self.first = kind, tuple(shape), first
        self.constant = self.add_weight(name="constant", shape=self.shape, initializer="zeros")

    def call(self, inputs: Any) -> Any:
        constant = ops.convert_to_tensor(self.constant)
        pair = (constant, inputs) if self.first else (inputs, constant)
        return _ARITHMETIC[self.kind](*pair)

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = zip(input_shape, self.shape, strict=True)
        return tuple(c if n == 1 else n for n, c in sizes)

    def get_config(self) -> dict[str, Any]:
        own = {"kind": self.kind, "shape": self.shape, "first": self.first}
        return {**super().get_config(), **own}


_ELEMENTWISE = {
    "Abs": ops.abs,
    "Acos": ops.arccos,
    "Acosh": ops.arccosh,
    "Asin": ops.arcsin,
    "Asinh": ops.arcsinh,
    "Atan": ops.arctan,
    "Atanh": ops.arctanh,
    "Ceil": ops.ceil,
    "Cos": ops.cos,
    "Cosh": ops.cosh,
    "Erf": ops.erf,
    "Exp": ops.exp,
    "Floor": ops.floor,
    "Log": ops.log,
    "Neg": lambda x: -x,
    "Reciprocal": lambda x: 1 / x,
    "Round": ops.round,
    "Sign": ops.sign,
    "Sin": ops.sin,
    "Sinh": ops.sinh,
    "Sqrt": ops.sqrt,
    "Tan": ops.tan,
}
ELEMENTWISE = tuple(_ELEMENTWISE)


@keras.saving.register_keras_serializable(package="keras_upsample")
class Elementwise(keras.layers.Layer):
    """y = f(x), element by element.

    Args:
        kind: f, by ONNX' name: one of `ELEMENTWISE`.
    """

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def call(self, inputs: Any) -> Any:
        return _ELEMENTWISE[self.kind](inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind}


@keras.saving.register_keras_serializable(package="keras_upsample")
def gelu_tanh(x: Any) -> Any:
    """y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2."""
    return ops.gelu(x, approximate=True)


@keras.saving.register_keras_serializable(package="keras_upsample")
class Pad2D(keras.layers.Layer):
    """An image with rows and columns around it.

    Args:
        pads: ((above, below), (left, right)), each >= 0.
        mode: "constant", or "reflect" without and "edge" with the border itself repeated.
        value: of a constant.
    """

    def __init__(
        self, pads: Any, mode: str = "constant", value: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        rows, columns = pads
        self.pads, self.mode, self.value = (tuple(rows), tuple(columns)), mode, value

    def call(self, inputs: Any) -> Any:
        if self.mode == "edge":
            from ..ops._reassemble import repeat_edges

            return repeat_edges(inputs, self.pads)
        options = {"constant_values": self.value} if self.mode == "constant" else {}
        return ops.pad(inputs, ((0, 0), *self.pads, (0, 0)), self.mode, **options)

    def compute_output_shape(self, input_shape: Any) -> Any:
        n, h, w, c = input_shape
        grown = (
            None if size is None else size + sum(pads)
            for size, pads in zip((h, w), self.pads, strict=True)
        )
        return (n, *grown, c)

    def get_config(self) -> dict[str, Any]:
        own = {"pads": self.pads, "mode": self.mode, "value": self.value}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="keras_upsample")
class Slice(keras.layers.Layer):
    """A part of an axis: x[..., begin:end:step, ...].

    Args:
        axis: >= 1.
        begin, end, step: whole numbers, step >= 1, 0 <= begin < end; None for an end at the last
            of an axis whose length stays open.
    """

    def __init__(
        self, axis: int, begin: int, end: int | None, step: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis, self.begin, self.end, self.step = axis, begin, end, step

    def call(self, inputs: Any) -> Any:
        index = [slice(None)] * len(inputs.shape)
        index[self.axis] = slice(self.begin, self.end, self.step)
        return inputs[tuple(index)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        end = shape[self.axis] if self.end is None else self.end
        shape[self.axis] = None if end is None else len(range(self.begin, end, self.step))
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        own = {"axis": self.axis, "begin": self.begin, "end": self.end, "step": self.step}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="keras_upsample")
class RepeatedConstant(keras.layers.Layer):
    """A trainable constant, once for every image of the batch: a class token, for example.

    Args:
        shape: of the constant, without the batch.
    """

    def __init__(self, shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.constant = self.add_weight(name="constant", shape=self.shape, initializer="zeros")

    def call(self, inputs: Any) -> Any:
        batch = ops.shape(inputs)[0]
        constant = ops.convert_to_tensor(self.constant)[None]
        return ops.broadcast_to(constant, (batch, *self.shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *self.shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shape": self.shape}


@keras.saving.register_keras_serializable(package="keras_upsample")
class Repeated(keras.layers.Layer):
    """x, repeated along its axes of length 1.

    Args:
        shape: of the result, without the batch.
    """

    def __init__(self, shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = tuple(shape)

    def call(self, inputs: Any) -> Any:
        return ops.broadcast_to(inputs, (ops.shape(inputs)[0], *self.shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *self.shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shape": self.shape}
