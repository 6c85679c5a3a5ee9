"""Tensors of an ONNX graph as tensors of a program, in whatever order their axes lie."""

from dataclasses import dataclass
from math import prod
from typing import Any

from ..program._graph import Tensor
from ._lengths import lengths_of
from ._unread import UnreadError

CHANNELS_LAST = {2: (0, 1), 3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
"""Rank -> which axis of ONNX lies where in a Keras image of it."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes:
        tensor: as it is stored, the batch in front.
        order: axis i of what is stored is axis `order[i]` of ONNX' tensor, or a part of it: the
            tokens (N, HW, C) may lie as an image (N, H, W, C), whose order is (0, 1, 1, 2). Parts
            of an axis lie in their order, the slowest first. A Transpose changes nothing but this,
            nor does a Reshape that only joins axes; data move where an operator needs another
            order.
        positive: whether no element is below 0.

    The batch counts as one image. So it may share an axis of ONNX with others: (heads, tokens,
    channels) of a file with one image are (N, tokens, heads, channels) here, of order (0, 1, 0, 2).
    """

    tensor: Tensor
    order: tuple[int, ...]
    positive: bool = False

    @property
    def lengths(self) -> tuple[Any, ...]:
        """Of the stored axes: numbers, and `Open` ones. The batch, which Keras keeps open, counts
        as one image."""
        return lengths_of(self.tensor)

    @property
    def shape(self) -> tuple[Any, ...]:
        """In the order of ONNX."""
        lengths = self.lengths
        return tuple(prod(lengths[i] for i in self.parts(axis)) for axis in range(self.rank))

    @property
    def rank(self) -> int:
        """Of ONNX' tensor."""
        return max(self.order) + 1

    @property
    def plain(self) -> bool:
        """Whether every axis of ONNX is one that is stored."""
        return len(set(self.order)) == len(self.order)

    def parts(self, axis: int) -> tuple[int, ...]:
        """The stored axes that make up an axis of ONNX; negative ones count from the end."""
        axis %= self.rank
        return tuple(i for i, found in enumerate(self.order) if found == axis)

    def stored_axis(self, axis: int) -> int:
        """Where an axis of ONNX lies; negative ones count from the end.

        Raises:
            UnreadError: it lies in several.
        """
        parts = self.parts(axis)
        if len(parts) > 1:
            raise UnreadError(f"axis {axis}, which is the product of {len(parts)} axes")
        return parts[0]
