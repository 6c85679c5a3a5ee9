"""Operations on arrays of any rank: transpose, reduction, matrix product, gather."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .._others import _keras
from ._graph import Node, Tensor, apply
from ._operations import OfOne, OfSeveral

if TYPE_CHECKING:
    from ._emit import Emitter


@dataclass(frozen=True)
class Transpose(OfOne):
    """The same values with the axes in another order: axis i of y is axis `axes[i]` of x."""

    axes: tuple[int, ...]

    KIND: ClassVar[str] = "transpose"

    @property
    def changes_nothing(self) -> bool:
        return self.axes == tuple(range(len(self.axes)))


@dataclass(frozen=True)
class Reduction(OfOne):
    """The mean, the sum, the largest or the least value along some axes.

    Attributes:
        kind: "mean", "sum", "max" or "min".
        axes: from 0, in rising order.
        keepdims: whether y has the rank of x.
    """

    kind: str
    axes: tuple[int, ...]
    keepdims: bool = False

    KIND: ClassVar[str] = "reduction"


@dataclass(frozen=True)
class MatrixProduct(OfSeveral):
    """y = a b, matrix by matrix over the axes before the last two."""

    KIND: ClassVar[str] = "product of matrices"


@dataclass(frozen=True)
class Gather(OfOne):
    """y = x at constant places along an axis, from 0."""

    places: np.ndarray
    axis: int

    KIND: ClassVar[str] = "gather at constant places"


_REDUCTIONS = {"mean": "Mean", "sum": "Sum", "max": "Max", "min": "Min"}
"""Kind -> the class of Keras' operation."""


def read_transpose(node: Node) -> Transpose | None:
    """keras.ops.transpose, or Permute."""
    import keras

    operation: Any = node.operation
    rank = len(node.inputs[0].shape) if len(node.inputs) == 1 else 0
    if type(operation) is keras.layers.Permute:
        return Transpose(node.inputs[0], (0, *operation.dims))
    if type(operation) is not _keras.numpy_operation("Transpose") or not rank:
        return None
    axes = operation.axes or tuple(reversed(range(rank)))
    return Transpose(node.inputs[0], tuple(axis % rank for axis in axes))


def write_transpose(emit: "Emitter", operation: Transpose, name: str) -> Tensor:
    """keras.ops.transpose."""
    made = _keras.numpy_operation("Transpose")(operation.axes, name=name)
    return _call(emit, made, operation.x)


def read_reduction(node: Node) -> Reduction | None:
    """keras.ops.mean, sum, max and min, or a global pool of images, channels last."""
    import keras

    operation: Any = node.operation
    if len(node.inputs) != 1:
        return None
    x = node.inputs[0]
    pools = {keras.layers.GlobalAveragePooling2D: "mean", keras.layers.GlobalMaxPooling2D: "max"}
    if type(operation) in pools:
        if operation.data_format != "channels_last":
            return None
        return Reduction(x, pools[type(operation)], (1, 2), bool(operation.keepdims))
    for kind, name in _REDUCTIONS.items():
        if type(operation) is _keras.numpy_operation(name):
            if getattr(operation, "initial", None) is not None:
                return None
            return Reduction(x, kind, _axes(operation.axis, len(x.shape)), operation.keepdims)
    return None


def write_reduction(emit: "Emitter", operation: Reduction, name: str) -> Tensor:
    """keras.ops.mean, sum, max or min."""
    made = _keras.numpy_operation(_REDUCTIONS[operation.kind])
    return _call(emit, made(operation.axes, keepdims=operation.keepdims, name=name), operation.x)


def read_matrix_product(node: Node) -> MatrixProduct | None:
    """keras.ops.matmul."""
    if type(node.operation) is not _keras.numpy_operation("Matmul") or len(node.inputs) != 2:
        return None
    return MatrixProduct(node.inputs)


def write_matrix_product(emit: "Emitter", operation: MatrixProduct, name: str) -> Tensor:
    """keras.ops.matmul."""
    return _call(emit, _keras.numpy_operation("Matmul")(name=name), *operation.parts)


def read_gather(node: Node) -> Gather | None:
    """keras.ops.take at places that are no tensors of the graph."""
    operation: Any = node.operation
    if type(operation) is not _keras.numpy_operation("Take") or len(node.inputs) != 1:
        return None
    if operation.axis is None or len(node.args) != 2 or node.args[0] is not node.inputs[0]:
        return None
    axis = operation.axis % len(node.inputs[0].shape)
    return Gather(node.inputs[0], np.asarray(node.args[1]), axis)


def write_gather(emit: "Emitter", operation: Gather, name: str) -> Tensor:
    """keras.ops.take."""
    made = _keras.numpy_operation("Take")(operation.axis, name=name)
    return _call(emit, made, operation.x, operation.places)


def _call(emit: "Emitter", operation: Any, *arguments: Any) -> Tensor:
    """A node of an operation of `keras.ops`, which takes its arguments one by one."""
    _, output = apply(operation, *arguments, source=emit.source)
    return output


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(rank))
    axes = (axis,) if isinstance(axis, int) else axis
    return tuple(sorted(each % rank for each in axes))
