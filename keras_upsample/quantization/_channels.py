"""Channel groups for equalisation: which channels share a scale, which tensors share a grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..program._graph import Graph, Node, Tensor
from ..program._keras_reader import (
    activation_at,
    concatenation_of,
    convolution_of,
    crop_of,
    interleaving_of,
    pool_of,
    resize_of,
    shuffle_of,
    transposed_of,
    zero_padding_of,
)
from ..program._keras_writer import writable
from ..program._operations import Convolution, Transposed
from ..program._surroundings import Surroundings

FIXED = 0


class _Ties:
    """Numbers, of which some stand for the same: the smallest of them is their root."""

    def __init__(self) -> None:
        self._parents: list[int] = []

    def fresh(self, count: int) -> np.ndarray:
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def tie(self, ones: Any, others: Any) -> None:
        for a, b in zip(*np.broadcast_arrays(ones, others), strict=True):
            first, second = sorted((self.root(int(a)), self.root(int(b))))
            self._parents[second] = first

    def root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number


@dataclass(eq=False)
class Reader:
    """What rounding harms: the tensor it reads, the labels of that, the step of that."""

    x: Tensor
    reads: np.ndarray
    step: int


@dataclass(eq=False)
class Place(Reader):
    """A convolution, and the labels of what it makes."""

    node: Node
    view: Convolution | Transposed
    makes: np.ndarray


class Channels:
    """Every channel's label, and every tensor's step.

    Channels of one label have one factor, those of label 0 have 1. Tensors of one step are rounded
    in one: what only moves, chooses and averages numbers keeps the step of what it reads.

    Args:
        graph: is only read.
        shared_steps: whether the parts of a concatenation are rounded in the step of the whole.
    """

    def __init__(self, graph: Graph, shared_steps: bool) -> None:
        self.places: list[Place] = []
        self.choices: list[Reader] = []  # max pooling that tells where its maxima are
        self._shared_steps = shared_steps
        self._channels, self._tensors = _Ties(), _Ties()
        self._channels.fresh(1)
        self._labels = {id(t): self._fixed(t) for t in graph.inputs}
        self._steps = {id(t): int(self._tensors.fresh(1)[0]) for t in graph.inputs}
        self._seen = list(graph.inputs)
        around = Surroundings(graph)
        for node in around.nodes:
            made = self._made(node, around)
            for tensor, labels in zip(node.outputs, made, strict=True):
                self._labels[id(tensor)] = labels
                self._steps[id(tensor)] = int(self._tensors.fresh(1)[0])
                self._seen.append(tensor)
            self._keep_steps(node)
        for tensor in graph.outputs:
            self._channels.tie(self._labels[id(tensor)], FIXED)
        self.made = [p for p in self.places if self.roots(p.makes).any()]

    def roots(self, labels: np.ndarray) -> np.ndarray:
        """The labels that stand for these."""
        return np.array([self._channels.root(int(label)) for label in labels], int)

    def rounded_with(self, tensor: Tensor) -> list[Tensor]:
        """All that is rounded in one step with a tensor, itself among it."""
        step = self._tensors.root(self._steps[id(tensor)])
        return [other for other in self._seen if self._tensors.root(self._steps[id(other)]) == step]

    def step(self, reader: Reader) -> int:
        """The number that stands for the step of what it reads."""
        return self._tensors.root(reader.step)

    def _fixed(self, tensor: Tensor) -> np.ndarray:
        return np.full(int(tensor.shape[-1] or 1) if tensor.shape else 1, FIXED)

    def _read(self, tensor: Tensor) -> tuple[Tensor, np.ndarray, int]:
        return tensor, self._labels[id(tensor)], self._steps[id(tensor)]

    def _keep_steps(self, node: Node) -> None:
        parts = _put_together(node) if self._shared_steps else None
        for tensor in parts or (node.inputs[:1] if _keeps_step(node) else ()):
            self._tensors.tie([self._steps[id(node.outputs[0])]], self._steps[id(tensor)])

    def _made(self, node: Node, around: Surroundings) -> list[np.ndarray]:
        view = _rescalable(node, around)
        if view is not None:
            labels = self._channels.fresh(int(node.outputs[0].shape[-1] or 0))
            self.places.append(Place(*self._read(view.x), node, view, labels))
            if not _homogeneous(view.activation):
                self._channels.tie(labels, FIXED)
            return [labels]
        if _tells_places(node):
            self.choices.append(Reader(*self._read(node.inputs[0])))
        read = [self._labels[id(t)] for t in node.inputs]
        joined = concatenation_of(node)
        if joined is not None:
            return [np.concatenate([self._labels[id(part)] for part in joined.parts])]
        interleaving = interleaving_of(node)
        if interleaving is not None:
            phases = interleaving.scale[0] * interleaving.scale[1]
            return [self._tied(np.concatenate(read).reshape(phases, -1))]
        shuffle = shuffle_of(node)
        if shuffle is not None:
            phases = shuffle.scale**2
            grid = read[0].reshape((phases, -1) if shuffle.order == "dcr" else (-1, phases))
            return [self._tied(grid if shuffle.order == "dcr" else grid.T)]
        if _passes(node):
            return [read[0], *(self._fixed(tensor) for tensor in node.outputs[1:])]
        for labels in read:
            self._channels.tie(labels, FIXED)
        return [self._fixed(tensor) for tensor in node.outputs]

    def _tied(self, grid: np.ndarray) -> np.ndarray:
        """Rows of labels that stand for the same."""
        for row in grid[1:]:
            self._channels.tie(row, grid[0])
        return grid[0]


def _put_together(node: Node) -> Sequence[Tensor] | None:
    """The parts of a concatenation, of channels or of rows."""
    joined = interleaving_of(node) or concatenation_of(node)
    return None if joined is None else joined.parts


def _rescalable(node: Node, around: Surroundings) -> Convolution | Transposed | None:
    if around.shared(node):
        return None
    view = convolution_of(node)
    if view is not None:
        return view
    transposed = transposed_of(node)
    return None if transposed is None or not writable(transposed) else transposed


def _homogeneous(activation: Any) -> bool:
    """Whether a factor above 0 goes through."""
    import keras

    return activation is None or activation is keras.activations.relu


def _passes(node: Node) -> bool:
    """Whether channels are treated alike, and the first input's factors are the first output's."""
    import keras

    from ..program._emitted_layers import CheckerboardBlur2D

    operation = node.operation
    if not node.inputs or len(node.inputs[0].shape) != 4:
        return False
    if _moves(node):
        return True
    activation = activation_at(node)
    if activation is not None:
        return _homogeneous(activation.function)
    if type(operation) is keras.layers.ReLU:  # with a slope
        return operation.max_value is None and operation.threshold == 0
    return type(operation) in (keras.layers.LeakyReLU, CheckerboardBlur2D)


def _moves(node: Node) -> bool:
    """Whether it only moves, chooses and averages the numbers of each channel."""
    from ..layers import MaxUnpooling2D

    if any(of(node) is not None for of in (resize_of, zero_padding_of, pool_of, crop_of)):
        return True
    if type(node.operation) is MaxUnpooling2D:
        return bool(node.operation.data_format == "channels_last")
    return _tells_places(node)


def _tells_places(node: Node) -> bool:
    from ..layers import MaxPoolingWithIndices2D

    operation = node.operation
    return type(operation) is MaxPoolingWithIndices2D and operation.data_format == "channels_last"


def _keeps_step(node: Node) -> bool:
    return _moves(node) or shuffle_of(node) is not None
