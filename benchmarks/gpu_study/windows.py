"""What a device computed, compared with the float64 oracle on two windows of a large image.

The oracle is made of plain loops, so it computes what lies around two corners only: the top left of
the first image and the bottom right of the last. A window's outputs depend on the pixels of its
crop alone.

Gradients are compared along random directions d: sum(gradient · d) against
(L(p + h·d) − L(p − h·d)) / 2h of the oracle, L = sum(y · cotangent), the cotangent being zero
outside of the windows.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gpu_study.cases import CASES, SCALE, Array, output_shape, to_precision

Region = tuple[slice, slice, slice]  # image, rows, columns

WIDTH = 4  # of a window, in input pixels
DIRECTIONS = 4
STEP = 1e-6

VALUE_GATES = {
    "float32": 1e-5,
    # TF32 and float16 have 10 bits behind the point: the gate of the float16 files. bfloat16 has 7.
    "tf32": 1e-2,
    "float16": 1e-2,
    "bfloat16": 8e-2,
}
"""Largest |value - oracle|, as a share of the range of the oracle's values."""

# Ten times those of values: a derivative along a direction sums thousands of terms of either sign,
# and its own size, by which its error is divided, is what is left of them.
GRADIENT_GATES = {name: 10 * gate for name, gate in VALUE_GATES.items()}
"""Largest error of a derivative, as a share of the root mean square of the derivatives."""


@dataclass(frozen=True)
class Window:
    """A corner: the crop of the input that the oracle gets, and the outputs that are compared."""

    crop: Region
    inside: Region  # of the oracle's output for the crop
    output: Region  # of the whole output


def windows(size: tuple[int, int, int, int], margin: int) -> tuple[Window, Window]:
    """The top left corner of the first image, the bottom right one of the last."""
    n, _, h, w = size
    first, last = slice(0, 1), slice(n - 1, n)
    begin = [slice(0, min(length, WIDTH + margin)) for length in (h, w)]
    end = [slice(max(0, length - WIDTH - margin), length) for length in (h, w)]
    head = [slice(0, SCALE * min(length, WIDTH)) for length in (h, w)]
    tail = [slice(SCALE * (length - min(length, WIDTH)), SCALE * length) for length in (h, w)]
    shifted = [
        slice(t.start - SCALE * e.start, t.stop - SCALE * e.start)
        for t, e in zip(tail, end, strict=True)
    ]
    every = slice(None)
    return (
        Window((first, *begin), (every, *head), (first, *head)),
        Window((last, *end), (every, *shifted), (last, *tail)),
    )


@dataclass(frozen=True)
class Found:
    """What a device computed.

    Attributes:
        values: outputs in each window.
        of_x: gradient of the input in each window's crop.
        far: whether any pixel outside of the crops has a gradient other than zero.
        of_weights: gradients of the weights.
    """

    values: list[Array]
    of_x: list[Array]
    far: bool
    of_weights: list[Array]


class Problem:
    """Random input, weights and cotangents of one case, and what the oracle says of them.

    Arrays are (N, H, W, C). The cotangents are those of the windows' outputs; what is large and
    zero is left to the device.
    """

    def __init__(
        self, name: str, size: tuple[int, int, int, int], weights: list[Array], dtype: str
    ) -> None:
        self.case, self.size, self.weights, self.dtype = CASES[name], size, weights, dtype
        self.windows = windows(size, self.case.margin)
        n, c, h, w = size
        rng = np.random.default_rng(7)
        x = rng.random((n, h, w, c), "float32") * 2 - 1
        self.x = to_precision(x, dtype)
        if n == 1 and min(h, w) < 2 * WIDTH:
            raise ValueError(f"the windows of a single image overlap at {h}x{w} pixels")
        n, c, h, w = output_shape(name, size)
        self.output_shape = (n, h, w, c)
        part = (1, SCALE * WIDTH, SCALE * WIDTH, c)
        self.cotangents = [to_precision(rng.uniform(-1, 1, part), dtype) for _ in self.windows]
        self._exact = [np.asarray(w, "float64") for w in weights]

    @cached_property
    def _expected(self) -> list[Array]:
        return [self._oracle(window) for window in self.windows]

    @cached_property
    def _covered(self) -> Array:
        """Which pixels (N, H, W) lie in a crop."""
        covered = np.zeros(self.x.shape[:3], bool)
        for window in self.windows:
            covered[window.crop] = True
        return covered

    @cached_property
    def _moves(self) -> list[Array]:
        """Random directions of the input: the values at the pixels in the crops."""
        rng = np.random.default_rng(8)
        shape = (int(self._covered.sum()), self.x.shape[3])
        return [rng.uniform(-1, 1, shape) for _ in range(DIRECTIONS)]

    @cached_property
    def _turns(self) -> list[list[Array]]:
        """Random directions of the weights."""
        rng = np.random.default_rng(9)
        return [[rng.uniform(-1, 1, w.shape) for w in self.weights] for _ in range(DIRECTIONS)]

    @cached_property
    def _slopes(self) -> tuple[list[float], list[float]]:
        """Derivatives along the directions, by the oracle: of the input's, of the weights'."""
        of_weights = [self._slope(turns=turns) for turns in self._turns] if self.weights else []
        return [self._slope(move=move) for move in self._moves], of_weights

    def value_error(self, parts: list[Array]) -> float:
        """Of the values in the windows, as a share of the range of the oracle's."""
        for part, wanted in zip(parts, self._expected, strict=True):
            if part.shape != wanted.shape:
                raise ValueError(f"a window has the shape {part.shape}, expected {wanted.shape}")
        expected = np.concatenate([e.ravel() for e in self._expected])
        actual = np.concatenate([np.asarray(p, "float64").ravel() for p in parts])
        span = max(float(np.ptp(expected)), float(np.abs(expected).max()))
        return _largest(actual - expected) / span

    def gradient_error(self, found: Found) -> float:
        """Of derivatives along random directions."""
        if found.far:
            raise ValueError("pixels that no compared output depends on have a gradient")
        whole = np.zeros(self.x.shape, "float32")
        for window, part in zip(self.windows, found.of_x, strict=True):
            whole[window.crop] = part
        inside = whole[self._covered].astype("float64")
        error = _relative([float((inside * move).sum()) for move in self._moves], self._slopes[0])
        if not self.weights:
            return error
        gradients = [np.asarray(g, "float64") for g in found.of_weights]
        slopes = [
            sum(float((g * t).sum()) for g, t in zip(gradients, turns, strict=True))
            for turns in self._turns
        ]
        return max(error, _relative(slopes, self._slopes[1]))

    def _oracle(
        self, window: Window, move: Array | None = None, turns: list[Array] | None = None
    ) -> Array:
        weights = self._exact
        if turns is not None:
            weights = [w + t for w, t in zip(weights, turns, strict=True)]
        x = self.x[window.crop].astype("float64")
        if move is not None:
            x = x + move
        return self.case.oracle(x, weights)[window.inside]

    def _slope(self, move: Array | None = None, turns: list[Array] | None = None) -> float:
        """The derivative of L along a direction, by a central difference of the oracle."""
        losses = []
        for step in (STEP, -STEP):
            moved = None
            if move is not None:
                moved = np.zeros(self.x.shape)
                moved[self._covered] = step * move
            turned = None if turns is None else [step * t for t in turns]
            loss = 0.0
            for window, cotangent in zip(self.windows, self.cotangents, strict=True):
                crop = None if moved is None else moved[window.crop]
                loss += float((self._oracle(window, crop, turned) * cotangent).sum())
            losses.append(loss)
        return (losses[0] - losses[1]) / (2 * STEP)


def _largest(difference: Array) -> float:
    if bad := int(np.count_nonzero(~np.isfinite(difference))):
        raise ValueError(f"{bad} of {difference.size} values are not finite")
    return float(np.abs(difference).max())


def _relative(actual: list[float], expected: list[float]) -> float:
    scale = float(np.sqrt(np.mean(np.square(expected))))
    return _largest(np.array(actual) - np.array(expected)) / scale
