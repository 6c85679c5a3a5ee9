"""Layers for files of open sizes: to the size of another image, and reshapes that keep lengths."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import length, reshape
from ..ops._resize_like import resize_to

ALIGNMENTS = ("end", "centre")


@keras.saving.register_keras_serializable(package="keras_upsample")
class FitLike2D(keras.layers.Layer):
    """Crops or pads an image with zeros to the height, the width, or both, of a reference.

    With d = (length of the reference) - (length of x), and b = 0 for "end", floor(d / 2) for
    "centre": y[i] = x[i - b], 0 outside of x.

    Input: [x, reference], (N, H, W, C) and (N, h, w, any).
    Output: (N, h, w, C); the length of an axis that is not named in `axes` stays.

    Args:
        axes: some of (1, 2): rows, columns.
        alignment: "end" or "centre".
    """

    def __init__(self, axes: Sequence[int], alignment: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = tuple(axes)
        self.alignment = arguments.one_of(alignment, "alignment", ALIGNMENTS)

    def call(self, inputs: Any) -> Any:
        x, reference = inputs
        pads: list[Any] = [[0, 0] for _ in range(4)]
        part = [slice(None)] * 4
        for axis in self.axes:
            have, want = length(x, axis), length(reference, axis)
            more = want - have
            begin = more // 2 if self.alignment == "centre" else 0
            pads[axis] = [_above_zero(begin), _above_zero(more - begin)]
            first, last = _above_zero(-begin), have - _above_zero(begin - more)
            if not (isinstance(more, int) and more >= 0):
                part[axis] = slice(first, last)
        if any(each != slice(None) for each in part):
            x = x[tuple(part)]
        if all(isinstance(n, int) and n == 0 for pair in pads for n in pair):
            return x
        known = all(isinstance(n, int) for pair in pads for n in pair)
        if known or keras.backend.backend() != "tensorflow":
            return ops.pad(x, pads)
        from ..ops._tensorflow import pad

        shape = [reference.shape[k] if k in self.axes else n for k, n in enumerate(x.shape)]
        return pad(x, pads, shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        x, reference = input_shape
        return tuple(reference[k] if k in self.axes else n for k, n in enumerate(x))

    def get_config(self) -> dict[str, Any]:
        own = {"axes": self.axes, "alignment": self.alignment}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="keras_upsample")
class ResizeToPart2D(keras.layers.Layer):
    """Resizes an image to a part of the size of another one: floor(h / divisor) rows.

    Input: [x, reference], (N, H, W, C) and (N, h, w, any).
    Output: (N, floor(h / divisor), floor(w / divisor), C).

    Args:
        divisor: a whole number.
        interpolation, coordinates: as in `ResizeLike2D`.
    """

    def __init__(self, divisor: int, interpolation: str, coordinates: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.divisor, self.interpolation, self.coordinates = divisor, interpolation, coordinates

    def call(self, inputs: Any) -> Any:
        x, reference = inputs
        target = tuple(length(reference, axis) // self.divisor for axis in (1, 2))
        return resize_to(x, target, self.interpolation, self.coordinates, "channels_last")

    def compute_output_shape(self, input_shape: Any) -> Any:
        x, reference = input_shape
        rows, columns = (None if n is None else n // self.divisor for n in reference[1:3])
        return (x[0], rows, columns, x[3])

    def get_config(self) -> dict[str, Any]:
        own = {
            "divisor": self.divisor,
            "interpolation": self.interpolation,
            "coordinates": self.coordinates,
        }
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="keras_upsample")
class KeepingReshape(keras.layers.Layer):
    """Reshapes a tensor; some lengths, which may be open, are its own or another tensor's.

    (N, H, W, C) -> (N, H, W, heads, C / heads), for example: `shape` (-1, -1, heads, C / heads) and
    `kept` (1, 2).

    Input: x, or [x, reference].

    Args:
        shape: without the batch; -1 for a length that is kept.
        kept: for each -1, the axis of the reference, or else of x, whose length it is.
    """

    def __init__(self, shape: Sequence[int], kept: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape, self.kept = tuple(shape), tuple(kept)

    def call(self, inputs: Any) -> Any:
        x, reference = inputs if isinstance(inputs, list | tuple) else (inputs, inputs)
        return reshape(x, (length(x, 0), *self._target(lambda axis: length(reference, axis))))

    def compute_output_shape(self, input_shape: Any) -> Any:
        pair = isinstance(input_shape[0], list | tuple)
        x, reference = input_shape if pair else (input_shape, input_shape)
        return (x[0], *self._target(lambda axis: reference[axis]))

    def _target(self, length_at: Callable[[int], Any]) -> list[Any]:
        kept = iter(self.kept)
        return [length_at(next(kept)) if n == -1 else n for n in self.shape]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shape": self.shape, "kept": self.kept}


def _above_zero(n: Any) -> Any:
    return max(n, 0) if isinstance(n, int) else ops.maximum(n, 0)
