"""Quantization grids: the values that quantized weights can have."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Grid:
    """Quantization grid of one output channel: `step * n` for integers n from `first` to `last`.

    Attributes:
        steps: number of steps from 0 to the channel's largest absolute weight. It is 127.5 if there
            are 255 steps from that weight's negative to the weight; one end is then beyond `last`.
        first: smallest n.
        last: largest n.
    """

    steps: float
    first: int
    last: int

    def step(self, top: "np.ndarray") -> "np.ndarray":
        """The step of each channel; `top` holds the channels' largest absolute weights."""
        import numpy as np

        return np.where(top > 0, top / self.steps, 1.0)

    def nearest(self, weights: "np.ndarray", step: "np.ndarray") -> "np.ndarray":
        """Round weights to the nearest grid values."""
        import numpy as np

        return step * np.clip(np.round(weights / step), self.first, self.last)
