"""Writes the ONNX nodes of one TFLite operator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .._context import UnreadError
from .._net import OnnxNode
from ._file import TfliteFile, TfliteOperator

NCHW, NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


class Writer:
    """Nodes and constants of a net, in the order of the file.

    Args:
        file: what is read.
    """

    def __init__(self, file: TfliteFile) -> None:
        self.file = file
        self.nodes: list[OnnxNode] = []
        self.constants: dict[str, np.ndarray] = {}
        self.names: dict[int, str] = {}
        self._taken: set[str] = set()
        made = [number for operator in file.operators for number in operator.outputs]
        given = range(len(file.tensors))
        for number, name in (*file.inputs.items(), *file.outputs.items()):
            self._name(number, name)
        for number in (*made, *given):  # results first: layers are called like them
            self._name(number, file.tensors[number].name.split(";")[0])
        for number, tensor in enumerate(file.tensors):
            if tensor.values is not None:
                self.constants[self.names[number]] = tensor.values
        self._known = {self.names[n] for n in file.inputs} | set(self.constants)

    def constant(self, array: Any) -> str:
        """The name of a new constant."""
        name = self._free("constant")
        self.constants[name] = np.asarray(array)
        self._known.add(name)
        return name

    def name_of(self, number: int) -> str:
        """A tensor that an operator reads."""
        name = self.names[number]
        if name not in self._known:
            tensor = self.file.tensors[number]
            raise UnreadError(f"its tensor {tensor.name!r}, {tensor.kind.lower()}, has no values")
        return name

    def add(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], name: str, **options: Any
    ) -> None:
        """A node; its layer is called like it."""
        self.nodes.append(OnnxNode(kind, name, (*inputs,), (*outputs,), options, None))
        self._known.update(outputs)

    def rename(self, names: Mapping[str, str], since: int) -> None:
        """Give results of nodes from there on, or constants, the names that the file has."""
        for place, node in enumerate(self.nodes[since:], since):
            outputs = tuple(names.get(name, name) for name in node.outputs)
            self.nodes[place] = replace(node, outputs=outputs)
        for old, new in names.items():
            if old in self.constants:
                self.constants[new] = self.constants[old]
        self._known.update(names.values())

    def finished(self) -> list[OnnxNode]:
        """The nodes, each with what computes it where all its inputs are constants."""
        from onnx import helper

        return [
            replace(
                node,
                proto=helper.make_node(node.kind, node.inputs, node.outputs, **node.attributes),
            )
            for node in self.nodes
        ]

    def between(self, name: str) -> str:
        """A name for a tensor that the file does not have."""
        return self._free(name)

    def _name(self, number: int, name: str) -> None:
        if number >= 0 and number not in self.names:
            self.names[number] = self._free(name or str(number))

    def _free(self, name: str) -> str:
        free, number = name, 1
        while free in self._taken:
            number += 1
            free = f"{name}_{number}"
        self._taken.add(free)
        return free


class Here:
    """One operator, and what its function writes with.

    Attributes:
        operator: the operator.
    """

    def __init__(self, writer: Writer, operator: TfliteOperator) -> None:
        self.writer, self.operator = writer, operator

    def option(self, name: str, default: int = 0) -> Any:
        """A field of its options."""
        return self.operator.option(name, default)

    def has(self, place: int) -> bool:
        """Whether there is an input."""
        inputs = self.operator.inputs
        return place < len(inputs) and inputs[place] >= 0

    def input(self, place: int = 0) -> str:
        """The name of an input."""
        if not self.has(place):
            raise UnreadError(f"input {place} is missing")
        return self.writer.name_of(self.operator.inputs[place])

    def shape(self, place: int = 0) -> tuple[int, ...]:
        """The lengths of an input."""
        self.input(place)
        return self.writer.file.tensors[self.operator.inputs[place]].shape

    def output_shape(self, place: int = 0) -> tuple[int, ...]:
        """The lengths of an output.

        Raises:
            UnreadError: the file leaves one open beside the batch's.
        """
        if None in self.signature(place):
            raise UnreadError(f"a result of {(None, *self.signature(place))}, of open size")
        return self.writer.file.tensors[self.operator.outputs[place]].shape

    def signature(self, place: int = 0) -> tuple[int | None, ...]:
        """The lengths of an output but the batch's, None where the file leaves one open."""
        return self.writer.file.tensors[self.operator.outputs[place]].signature[1:]

    def integers(self, place: int) -> list[int]:
        """The values of an input of integers."""
        found = self.writer.constants.get(self.input(place))
        if found is None or found.dtype.kind != "i":
            raise UnreadError(f"input {place} is computed; it must be in the file")
        return [int(n) for n in found.ravel()]

    def write(self, kind: str, *inputs: str, suffix: str = "", **options: Any) -> str:
        """A node of one output; its name."""
        base = self.writer.names[self.operator.outputs[0]]
        output = self.writer.between(base)
        self.writer.add(kind, inputs, [output], f"{base}{suffix}", **options)
        return output

    def constant(self, array: Any, dtype: str = "float32") -> str:
        """A constant; its name."""
        return self.writer.constant(np.asarray(array, dtype))

    def moved(self, name: str, axes: Sequence[int]) -> str:
        """A tensor with its axes in another order; of a constant, another constant."""
        found = self.writer.constants.get(name)
        if found is None:
            return self.write("Transpose", name, suffix="_order", perm=tuple(axes))
        if found.ndim != len(axes):
            raise UnreadError(f"a constant of {found.ndim} dimensions; {len(axes)} are expected")
        return self.writer.constant(found.transpose(axes))

    def image(self, place: int = 0) -> str:
        """An input of rank 4 as ONNX has images: (N, C, H, W)."""
        if len(self.shape(place)) != 4:
            raise UnreadError(f"an input of {len(self.shape(place))} dimensions; images have 4")
        return self.moved(self.input(place), NCHW)

    def back(self, name: str) -> str:
        """A result as TFLite has images: (N, H, W, C)."""
        return self.moved(name, NHWC)

    @property
    def _base(self) -> str:
        return self.writer.names[self.operator.outputs[0]]
