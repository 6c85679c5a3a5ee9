"""Networks whose convolutions have no padding: their output is smaller than their input.

Such a network (the U-Net of the paper: 572 -> 388 pixels) has an output for the middle of its
input. A tile is therefore read with a margin around it. Beyond the image's border the margin is the
image's reflection. The outputs lie side by side: the overlap-tile strategy of Ronneberger et al.,
U-Net, 2015, section 2, figure 2.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..runtimes._onnx_memory import RunMemoryError

_FIRST = (64, 256, 572)
"""Pixels from which sizes are tried: a network of four poolings takes none below 188."""

_MOST_PERIOD = 32
_MOST_BYTES = 2**28
"""Of an image that is tried: 16,000 channels at 64 x 64 pixels."""
_FARTHER = 128
"""Pixels by which a larger image must still lose the same margin, as halving its size does not."""


@dataclass(frozen=True)
class Margin:
    """Margin of a network without padding, and the sizes that it takes.

    Attributes:
        pixels: pixels lost on each side, m: n pixels give n − 2m.
        period: the network takes the sizes `least` + k · `period`.
        least: the smallest size that is known to work.
    """

    pixels: int
    period: int = 1
    least: int = 1

    def output(self, wanted: int) -> int:
        """The smallest number of output pixels, `wanted` or more, that an input size gives."""
        first = self.least - 2 * self.pixels
        return first + max(0, -(-(wanted - first) // self.period)) * self.period


def _pixels(given: tuple[int, ...], values: tuple[int, ...]) -> int:
    """What an output (H', W', K) loses on each side of an input (H, W, C), or 0.

    0 too where it is not the same on all four sides.
    """
    lost = {given[axis] - values[axis] for axis in (0, 1)} if len(values) == 3 else {0}
    least = min(lost)
    return least // 2 if len(lost) == 1 and least > 0 and least % 2 == 0 else 0


def fixed_margin(
    run: Callable[[np.ndarray], np.ndarray], image: np.ndarray, values: np.ndarray
) -> tuple[Margin, np.ndarray] | None:
    """The margin of a network of a fixed size, and its output; None if there is no margin.

    A smaller output may also have a lower resolution. It has a margin if a shift of the image moves
    the output by the same number of pixels.

    Args:
        run: the network.
        image: noise, (H, W, C).
        values: the network's output for it.
    """
    pixels = _pixels(image.shape, values.shape)
    if not pixels:
        return None
    span = float(np.ptp(values))
    for shift in (1, 2, 4, 8, 16, 32):
        if shift >= values.shape[0]:
            break
        moved = run(np.concatenate([image[shift:], image[:shift]]))[:-shift]
        same = float(np.abs(moved - values[shift:]).max()) <= 1e-4 * span
        if same and float(np.abs(moved - values[:-shift]).max()) > 1e-2 * span:
            return Margin(pixels, shift, image.shape[0]), values
    return None


def margin_of(
    run: Callable[[np.ndarray], np.ndarray], channels: int
) -> tuple[Margin, np.ndarray] | None:
    """The margin of a network of open size, and its output for noise; None without a margin.

    With pooling layers such a network takes only sizes at a regular distance. Sizes are tried one
    after another until a margin occurs a second time; the smallest margin in between counts.
    """
    noise = np.random.default_rng(20)
    for first in _FIRST:
        answers: dict[int, tuple[int, np.ndarray]] = {}  # margin -> size, answer
        for size in range(first, first + 2 * _MOST_PERIOD):
            if 4 * size**2 * channels > _MOST_BYTES:
                return None
            image = noise.random((size, size, channels), dtype="float32")
            values = _try_size(run, image)
            pixels = 0 if values is None else _pixels(image.shape, values.shape)
            if values is None or not pixels:
                continue
            if pixels in answers:
                period = size - answers[pixels][0]
                best = min(answers)
                least, values = answers[best]
                farther = least + -(-_FARTHER // period) * period
                if 4 * farther**2 * channels > _MOST_BYTES:
                    return None
                image = noise.random((farther, farther, channels), dtype="float32")
                again = _try_size(run, image)
                if again is not None and _pixels(image.shape, again.shape) == best:
                    return Margin(best, period, least), values
                break
            answers[pixels] = (size, values)
    return None


def _try_size(run: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray | None:
    try:
        return run(image)
    except RunMemoryError:
        raise
    except Exception:  # of any kind: the network does not take this size
        return None


def reflect(start: int, stop: int, size: int) -> np.ndarray:
    """The indices start .. stop − 1 of an axis that goes on beyond its ends as in a mirror.

    `2 1 0 1 2 3 2 1` for −2 to 6 of 4 pixels; the pixel at the end is not repeated.
    """
    index = np.arange(start, stop)
    if size == 1:
        return np.zeros_like(index)
    turn = 2 * (size - 1)
    index = index % turn
    return np.minimum(index, turn - index)
