"""Quantization grids: the values that few bits can represent."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Grid:
    """The values `step * n` of one output channel, n whole, from `first` to `last`.

    Attributes:
        steps: between 0 and the channel's largest absolute weight; 127.5 where 255 steps lie
            between the largest and its negative, of which one then falls beyond `last`.
    """

    steps: float
    first: int
    last: int

    def step(self, top: "np.ndarray") -> "np.ndarray":
        """The step of channels whose largest absolute weights these are."""
        import numpy as np

        return np.where(top > 0, top / self.steps, 1.0)

    def nearest(self, weights: "np.ndarray", step: "np.ndarray") -> "np.ndarray":
        """What a quantiser makes of weights."""
        import numpy as np

        return step * np.clip(np.round(weights / step), self.first, self.last)
