"""What the functions of the operators work with: values by name, and layers written one by one."""

import re
from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np

from ..program._array_operations import Transpose
from ..program._emit import Emitter
from ..program._graph import Tensor
from ..program._operations import Reshape
from ._lengths import lengths_of, note_lengths
from ._like_layers import KeepingReshape
from ._net import OnnxNode
from ._open import FIX_THE_SIZE, Length, Open, Varying
from ._regroup import regrouped
from ._unread import OpenSizeError, UnreadError
from ._value import CHANNELS_LAST, Value

__all__ = ["Context", "Known", "UnreadError", "layer_name"]

_MOST_NUMBERS = 2**28

Known = Value | np.ndarray | Varying


class Context:
    """One node's surroundings.

    Attributes:
        node: the node.
        inputs: its inputs: values, constants, or None for absent ones.
        opset: of the file.
        earlier: name -> everything that is known before the node.
        seen: shape of the node's output at each size at which an open file was tried.
    """

    def __init__(
        self,
        node: OnnxNode,
        inputs: Sequence[Known | None],
        opset: int,
        name: str,
        earlier: Mapping[str, Known] = MappingProxyType({}),
        seen: Sequence[tuple[int, ...]] = (),
    ) -> None:
        self.node, self.inputs, self.opset, self.name = node, list(inputs), opset, name
        self.earlier, self.seen = earlier, seen
        self.emit = Emitter(SimpleNamespace(name=name, dtype_policy=None), ())

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute; texts as `str`, lists as tuples."""
        value = self.node.attributes.get(name, default)
        if isinstance(value, bytes):
            return value.decode()
        return tuple(value) if isinstance(value, list) else value

    def value(self, place: int = 0) -> Value:
        """An input that flows."""
        found = self.inputs[place]
        if not isinstance(found, Value):
            raise UnreadError(f"input {place} is a constant")
        return found

    def constant(self, place: int, default: Any = None) -> Any:
        """An input that the file holds, or the default where it is absent."""
        found = self.inputs[place] if place < len(self.inputs) else None
        if found is None:
            return default
        if isinstance(found, Value):
            raise UnreadError(f"input {place} is computed; it must be in the file")
        if isinstance(found, Varying):
            raise OpenSizeError(f"input {place} is no constant: {FIX_THE_SIZE}")
        return found

    def numbers(self, place: int) -> list[Length] | None:
        """A list of whole numbers that the file holds, or that follow from open lengths."""
        found = self.inputs[place] if place < len(self.inputs) else None
        if isinstance(found, Varying):
            return found.numbers
        array = self.constant(place)
        return None if array is None else [int(n) for n in np.reshape(array, -1)]

    def option(self, name: str, place: int, default: Any = None) -> Any:
        """What older opsets have as an attribute and newer ones as an input."""
        found = self.constant(place)
        if found is None:
            return self.attribute(name, default)
        return tuple(found.tolist()) if found.ndim else found.item()

    # Writing.

    def write(self, operation: Any, suffix: str = "") -> Tensor:
        """The tensor of an operation of programs."""
        return _small(self.emit.write(operation, suffix))

    def call(self, layer: Any, *tensors: Tensor) -> Tensor:
        """The tensor of a layer."""
        return _small(self.emit.call(layer, *tensors))

    def outputs(self, layer: Any, *tensors: Tensor) -> list[Tensor]:
        """The tensors of a layer that gives several."""
        from keras import tree

        return list(tree.flatten(self.emit.call(layer, *tensors)))

    def reshaped(self, tensor: Tensor, shape: Sequence[Length], suffix: str = "_shape") -> Tensor:
        """A tensor in another shape, without the batch; reshapes in a row are one.

        Raises:
            UnreadError: several lengths are open, and no earlier image has them.
        """
        while _is_reshape(tensor):
            tensor = tensor.node.inputs[0]  # type: ignore[union-attr]
        if lengths_of(tensor)[1:] == tuple(shape):
            return tensor
        places = [place for place, n in enumerate(shape) if isinstance(n, Open)]
        if len(places) > 1:
            result = self._keeping(tensor, shape, suffix)
        else:
            target = tuple(-1 if isinstance(n, Open) else n for n in shape)
            result = self.write(Reshape(tensor, target), suffix)
        note_lengths(result, (1, *shape))
        return result

    def _keeping(self, tensor: Tensor, shape: Sequence[Length], suffix: str) -> Tensor:
        """A reshape to lengths of which several are open: its own, or those of an earlier tensor.

        Raises:
            OpenSizeError: no tensor has them all.
        """
        wanted = [n for n in shape if isinstance(n, Open)]
        earlier = (value.tensor for value in self.earlier.values() if isinstance(value, Value))
        for reference in (tensor, *earlier):
            lengths = lengths_of(reference)
            if all(n in lengths for n in wanted):
                target = tuple(-1 if isinstance(n, Open) else n for n in shape)
                kept = [lengths.index(n) for n in wanted]
                layer = KeepingReshape(target, kept, name=f"{self.name}{suffix}")
                return self.call(layer, *({id(t): t for t in (tensor, reference)}.values()))
        raise OpenSizeError(f"lengths that no tensor before it has: {FIX_THE_SIZE}")

    def image_with(self, fits: Callable[[tuple[Length, ...]], bool]) -> Tensor:
        """An earlier tensor that is stored like an image, whose (rows, columns, channels) fit.

        Raises:
            OpenSizeError: there is none.
        """
        for value in self.earlier.values():
            if isinstance(value, Value) and len(value.order) == 4 and fits(value.lengths[1:]):
                return value.tensor
        raise OpenSizeError(f"a size that no tensor before it has: {FIX_THE_SIZE}")

    def laid_out(
        self, value: Value, places: Sequence[int], joined: Sequence[int], suffix: str
    ) -> Value:
        """A value with its stored axes in this order, and each of some axes of ONNX in one.

        Args:
            value: the value.
            places: its stored axes, the batch first.
            joined: axes of ONNX whose parts are neighbours then.
            suffix: of the layers' names.
        """
        lengths = [value.lengths[place] for place in places]
        tensor = value.tensor
        moved = [place for place in places if value.lengths[place] != 1]
        if moved != sorted(moved):
            tensor = self.write(Transpose(tensor, tuple(places)), suffix)
            note_lengths(tensor, lengths)
        shape: list[Length] = []
        order: list[int] = []
        for place, length in zip(places, lengths, strict=True):
            axis = value.order[place]
            if len(order) > 1 and axis == order[-1] and axis in joined:
                shape[-1] *= length
            else:
                shape.append(length)
                order.append(axis)
        tensor = self.reshaped(tensor, shape[1:], f"{suffix}_shape")
        return Value(tensor, tuple(order), value.positive)

    def ordered(self, value: Value, order: Sequence[int], suffix: str = "_order") -> Value:
        """The value with its axes in this order; data move where axes above 1 change places."""
        order = tuple(order)
        if value.order == order:
            return value
        value = _batch_in(value, order[0])
        places = [place for axis in order for place in value.parts(axis)]
        if places[0] != 0 or (len(places) > 1 and value.order[places[1]] == order[0]):
            raise UnreadError(f"axes in the order {value.order}, the batch not in front")
        return self.laid_out(value, places, order, suffix)

    def in_file_order(self, value: Value, suffix: str = "_order") -> Value:
        """The value as ONNX has it, but for the batch, which stays in front."""
        rest = [place for axis in range(value.rank) for place in value.parts(axis) if place]
        return self.laid_out(value, [0, *rest], range(value.rank), suffix)

    def joined(self, value: Value, axis: int | None = None, suffix: str = "_join") -> Value:
        """The value with an axis of ONNX, or each of them, as one that is stored.

        Raises:
            UnreadError: the batch is a part of it.
        """
        axes = range(value.rank) if axis is None else [axis % value.rank]
        wanted = [each for each in axes if len(value.parts(each)) > 1]
        if value.order[0] in wanted:
            others = [each for each, n in enumerate(value.shape) if n == 1]
            others += [each for each in range(value.rank) if each not in axes]
            if not others:
                raise UnreadError(
                    f"axis {value.order[0]} of {value.rank}, in which the batch is one with others"
                )
            value = _batch_in(value, others[0])
            wanted = [each for each in axes if len(value.parts(each)) > 1]
        places = _neighbours(value, wanted)
        if places != sorted(places):  # data move: the other axes are joined at once
            wanted = [
                each
                for each in range(value.rank)
                if len(value.parts(each)) > 1 and (each in wanted or each != value.order[0])
            ]
            places = _neighbours(value, wanted)
        return self.laid_out(value, places, wanted, suffix) if wanted else value

    def stored_like(self, value: Value, other: Value, suffix: str = "_order") -> Value | None:
        """A value of the same shape with its axes stored as another's; None if they don't fit."""
        if (value.order, value.lengths) == (other.order, other.lengths):
            return value
        places = [place for axis in range(other.rank) for place in other.parts(axis)]
        shape = [other.lengths[place] for place in places]
        found = regrouped(value.lengths, value.order, shape, places.index(0))
        if found is None or found[1][0] != places.index(0):
            return None
        apart = Value(self.reshaped(value.tensor, found[0][1:]), found[1], value.positive)
        order = [places.index(place) for place in range(len(places))]
        return Value(self.ordered(apart, order, suffix).tensor, other.order, value.positive)

    def repeated_along(self, value: Value, other: Value, suffix: str) -> Value | None:
        """A value stored as another is, 1 where it repeats along it; None if data had to move."""
        if value.rank != other.rank:
            return None
        lengths = [
            1 if value.shape[axis] == 1 else n
            for axis, n in zip(other.order[1:], other.lengths[1:], strict=True)
        ]
        if _of_axes(value.order[1:], value.lengths[1:]) != _of_axes(other.order[1:], lengths):
            return None
        return Value(self.reshaped(value.tensor, lengths, suffix), other.order, value.positive)

    def last(self, value: Value, suffix: str = "_last", axis: int = -1) -> Value:
        """The value with an axis of ONNX, which is its last one if none is named, stored last."""
        value = self.joined(value, axis, suffix)
        place = value.stored_axis(axis)
        places = [each for each in range(len(value.order)) if each != place]
        return self.laid_out(value, [*places, place], (), f"{suffix}_order")

    def image(self, place: int = 0) -> Value:
        """An input of rank 4 as Keras has images: channels last."""
        value = self.value(place)
        if value.rank != 4:
            raise UnreadError(f"an input of {value.rank} dimensions; images have 4")
        return self.ordered(value, CHANNELS_LAST[4])

    def like(self, value: Value, tensor: Tensor, *, positive: bool = False) -> Value:
        """A result with the axes of a value."""
        return Value(tensor, value.order, positive)


def _neighbours(value: Value, axes: Sequence[int]) -> list[int]:
    """The stored axes in an order in which the parts of some axes of ONNX are neighbours."""
    places: list[int] = []
    for place, axis in enumerate(value.order):
        parts = value.parts(axis)
        if axis not in axes:
            places.append(place)
        elif place == parts[-1]:
            places += parts
    return places


def _of_axes(order: Sequence[int], lengths: Sequence[Length]) -> list[tuple[int, Length]]:
    """The lengths other than 1, each with its axis of ONNX."""
    return [pair for pair in zip(order, lengths, strict=True) if pair[1] != 1]


def _small(tensor: Tensor) -> Tensor:
    """A tensor that fits into memory; a damaged file may ask for any."""
    numbers = prod(n for n in tensor.shape if n is not None)
    if numbers > _MOST_NUMBERS:
        raise UnreadError(f"a result of {numbers:.1e} numbers an image")
    return tensor


def _is_reshape(tensor: Tensor) -> bool:
    import keras

    return tensor.node is not None and type(tensor.node.operation) is keras.layers.Reshape


def _batch_in(value: Value, axis: int) -> Value:
    """The value with the batch, which is of length 1 here, as this axis, or as a part of it."""
    batch = value.order[0]
    if batch == axis or (value.shape[axis] != 1 and len(value.parts(batch)) == 1):
        return value
    if value.shape[axis] != 1:
        return Value(value.tensor, (axis, *value.order[1:]), value.positive)
    rest = (batch if each == axis else each for each in value.order[1:])
    return Value(value.tensor, (axis, *rest), value.positive)


def layer_name(name: str, taken: Mapping[str, Any]) -> str:
    """A name that Keras takes and no other layer has: `/enc/conv1/Conv` -> `enc_conv1_Conv`."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-") or "node"
    if not plain[0].isalpha():
        plain = f"n{plain}"
    result, number = plain, 1
    while result in taken:
        number += 1
        result = f"{plain}_{number}"
    return result
