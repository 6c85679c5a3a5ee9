"""ONNX' Resize along one axis: which inputs an output reads, and with which weights.

Each axis is computed alone, so that a resize is a constant matrix for each axis (`matrix`), or a
list of places where it copies (`places`).
"""

from dataclasses import dataclass

import numpy as np

SIMPLE = "simple"
"""Rounding of Upsample and of Resize 10: down, or up where the axis gets smaller."""

ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil", SIMPLE)

COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
)


@dataclass(frozen=True)
class Axis:
    """One axis of a resize.

    Attributes:
        length, result: of input and output.
        scale: result / length, or what the file says, of which `result` is the rounded-off product.
        named: one of `COORDINATES`.
    """

    length: int
    result: int
    scale: float
    named: str

    @property
    def whole(self) -> bool:
        """Whether the scale is the ratio of the lengths, as float32 has it."""
        return np.float32(self.result / self.length) == np.float32(self.scale)

    def coordinates(self, dtype: str) -> np.ndarray:
        """The place u(i) in the input of each output i, (result,).

        Args:
            dtype: in which it is computed. Nearest depends on the last digit, and runtimes use
                float32.
        """
        kind = np.dtype(dtype).type
        i, scale, half = np.arange(self.result, dtype=kind), kind(self.scale), kind(0.5)
        if self.named == "asymmetric":
            return i / scale
        if self.named == "align_corners":
            return i * kind(self.length - 1) / kind(max(self.result - 1, 1))
        if self.named == "tf_half_pixel_for_nn":
            return (i + half) / scale
        if self.named == "pytorch_half_pixel" and self.result == 1:
            return np.zeros(1, kind)
        u = (i + half) / scale
        if self.named == "half_pixel_symmetric":
            # The middles of input and output lie on each other, though the scale has a fraction.
            length, result = kind(self.length), kind(self.result)
            u = length / kind(2) * (kind(1) - result / (scale * length)) + u
        return u - half

    def places(self, rounding: str) -> np.ndarray:
        """What nearest copies, (result,): u rounded, inside of the input."""
        u = self.coordinates("float32")
        if rounding == SIMPLE:
            rounding = "ceil" if self.scale < 1 else "floor"
        half = np.float32(0.5)
        rounded = {
            "floor": np.floor(u),
            "ceil": np.ceil(u),
            "round_prefer_floor": np.ceil(u - half),
            "round_prefer_ceil": np.floor(u + half),
        }[rounding]
        return np.clip(rounded, 0, self.length - 1).astype("int32")

    def matrix(self, coefficient: float | None, exclude: bool, antialias: bool) -> np.ndarray:
        """The weights of linear or cubic interpolation, (result, length).

        With antialias, an axis that gets smaller has a kernel that is wider by the scale.

        Args:
            coefficient: a of Keys' cubic kernel; None for linear.
            exclude: whether taps outside are dropped, and the others divided by their sum; else the
                border is repeated.
        """
        u = self.coordinates("float64")
        shrink = min(self.scale, 1.0) if antialias else 1.0
        reach = int(np.ceil((1 if coefficient is None else 2) / shrink))
        taps = np.floor(u).astype(int)[:, None] + np.arange(1 - reach, reach + 1)
        distance = np.abs(taps - u[:, None]) * shrink
        weights = _linear(distance) if coefficient is None else _cubic(distance, coefficient)
        if exclude:
            weights = np.where((taps < 0) | (taps >= self.length), 0, weights)
        weights /= weights.sum(axis=1, keepdims=True)
        result = np.zeros((self.result, self.length))
        rows = np.broadcast_to(np.arange(self.result)[:, None], taps.shape)
        np.add.at(result, (rows, np.clip(taps, 0, self.length - 1)), weights)
        return result


def _linear(d: np.ndarray) -> np.ndarray:
    return np.maximum(1 - d, 0)


def _cubic(d: np.ndarray, a: float) -> np.ndarray:
    """Keys' kernel."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))
