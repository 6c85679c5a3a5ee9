"""Tensors of an ONNX graph as tensors of a program, in whatever order their axes lie."""

from dataclasses import dataclass

from ..program._graph import Tensor

CHANNELS_LAST = {2: (0, 1), 3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
"""Rank -> which axis of ONNX lies where in a Keras image of it."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes:
        tensor: as it is stored.
        order: axis i of what is stored is axis `order[i]` of ONNX' tensor. A Transpose changes
            nothing but this; data move where an operator needs another order.
        positive: whether no element is below 0.
    """

    tensor: Tensor
    order: tuple[int, ...]
    positive: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """In the order of ONNX; the batch, which Keras keeps open, counts as one image."""
        lengths = dict(zip(self.order, self.tensor.shape, strict=True))
        return tuple(1 if n is None else int(n) for _, n in sorted(lengths.items()))

    @property
    def rank(self) -> int:
        return len(self.order)

    def stored_axis(self, axis: int) -> int:
        """Where an axis of ONNX lies; negative ones count from the end."""
        return self.order.index(axis % self.rank)
