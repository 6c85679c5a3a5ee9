"""One layer's surroundings: what it reads, its parameters and weights, what it writes."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...program._emit import Emitter
from ...program._graph import Tensor
from ._param import NcnnError, NcnnLayer
from ._value import Extent, Value
from ._weights import Weights

_MOST = 1 << 13  # pixels

Known = Value | np.ndarray
"""A blob: one that flows, or a constant of the file (C, H, W)."""


class Place:
    """A layer of the file, with what the functions of the operators need.

    Attributes:
        layer: of the file.
        inputs: its blobs.
        weights: the `.bin` file, at this layer's place.
        name: of the Keras layers to write.
    """

    def __init__(
        self, layer: NcnnLayer, inputs: Sequence[Known], weights: Weights, name: str
    ) -> None:
        self.layer, self.inputs, self.weights, self.name = layer, list(inputs), weights, name
        self._emit = Emitter(SimpleNamespace(name=name, dtype_policy=None), ())
        self.whole, self.number, self.array = layer.whole, layer.number, layer.array

    def value(self, place: int = 0) -> Value:
        """An input that flows."""
        found = self.inputs[place] if place < len(self.inputs) else None
        if not isinstance(found, Value):
            raise NcnnError(f"its input {place} is missing or a constant")
        return found

    def values(self) -> list[Value]:
        """All inputs, which flow."""
        if not self.inputs:
            raise NcnnError("it has no input")
        return [self.value(place) for place in range(len(self.inputs))]

    def none_but(self, *keys: int) -> None:
        """Raise unless parameters of other numbers than these are absent or 0."""
        for key, value in self.layer.parameters.items():
            if key not in keys and value not in (0, (), (0,)):
                raise NcnnError(f"parameter {key} with the value {value} is not read")

    def write(self, operation: Any, suffix: str = "") -> Tensor:
        """The tensor of an operation of programs."""
        return self._emit.write(operation, suffix)

    def call(self, layer: Any, *tensors: Tensor) -> Tensor:
        """The tensor of a Keras layer."""
        return self._emit.call(layer, *tensors)

    def like(self, value: Value, tensor: Tensor) -> Value:
        """A result with the rows and columns of a value."""
        return Value(tensor, value.rows, value.columns, value.vector)

    def moderate(self, what: str, *numbers: int) -> None:
        """Raise if a number of pixels is so large that only a damaged file can mean it."""
        if max(map(abs, numbers), default=0) > _MOST:
            raise NcnnError(f"{what} {max(numbers, key=abs)}; up to {_MOST} are read")

    def check(self, extents: Sequence[Extent]) -> None:
        """Raise unless at least one row and column is left, where that is known."""
        for extent in extents:
            known = extent.known()
            if known is not None and known < 1:
                raise NcnnError(f"{known} rows or columns are left: the image is too small")

    def sized(self, tensor: Tensor, extents: Sequence[Extent]) -> Value:
        """A result of other rows and columns."""
        rows, columns = extents
        return Value(tensor, rows, columns)
