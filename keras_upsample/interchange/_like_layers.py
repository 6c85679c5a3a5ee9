"""A layer that cuts or pads an image to the size of another one, for files of open sizes."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import length

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


def _above_zero(n: Any) -> Any:
    return max(n, 0) if isinstance(n, int) else ops.maximum(n, 0)
