"""What a model's graph says of its own inputs and outputs.

A network that begins with `Rescaling(1 / 255)` is made for [0, 255], one that ends with a softmax
gives probabilities. Only what the graph says for sure is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._signature import Signature

RANGES = ((0.0, 1.0), (0.0, 255.0), (-1.0, 1.0))
"""What pictures are scaled to before a network sees them."""

# What only moves values, by the names of Keras' operations and layers.
_MOVING = {
    "Identity", "InputLayer", "Cast", "GetItem", "Flip", "Split", "Unstack", "Stack", "Concatenate",
    "ExpandDims", "Squeeze", "Transpose", "Permute",
}  # fmt: skip
# Arithmetic with constants, or of the input with itself.
_AFFINE = _MOVING | {
    "Rescaling", "Normalization", "Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Negative",
}  # fmt: skip


@dataclass(frozen=True)
class Door:
    """What the first operators do to an input.

    Attributes:
        value_range: least and largest value that the input is made for; None where that is open.
        because: the layers that say so, in words.
    """

    value_range: tuple[float, float] | None = None
    because: str = ""


@dataclass(frozen=True)
class GraphFacts:
    """Of a whole model; empty where it can't be taken apart.

    Attributes:
        doors: one an input.
        activations: one an output: `"softmax"`, `"sigmoid"`, `"tanh"`, `"class_map"`, `"relu"`, or
            "" for none of these.
    """

    doors: tuple[Door, ...] = ()
    activations: tuple[str, ...] = ()


NOTHING = GraphFacts()


def facts_of_graph(model: Any, signature: Signature) -> GraphFacts:
    """What the graph of a Keras model says; the model stays as it is."""
    from ..lowering._flatten import graph_at
    from ..lowering._last_activation import last_activation

    try:
        graph, _ = graph_at(model, signature)
    except Exception:  # a model that can't be followed: nothing is known
        return NOTHING
    doors = tuple(_door(graph, tensor) for tensor in graph.inputs)
    return GraphFacts(doors, tuple(last_activation(tensor) for tensor in graph.outputs))


def natural_range(matrix: np.ndarray, offset: np.ndarray) -> tuple[float, float] | None:
    """The range of pictures for which y = x A + b gives what networks are trained on.

    That is [0, 1], [−1, 1], or numbers around 0 that are spread by about 1 (mean and deviation
    taken off) or by about 255 (a mean taken off, as Caffe did). Where two ranges would do, or none,
    nothing is known.

    Args:
        matrix: (channels in, channels out).
        offset: (channels out,).
    """
    fitting = [ends for ends in RANGES[:2] if _natural(*_ends(matrix, offset, ends))]
    return fitting[0] if len(fitting) == 1 else None


def _ends(
    matrix: np.ndarray, offset: np.ndarray, ends: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest y by channel, for x in [ends]."""
    low, high = ends
    positive, negative = matrix.clip(min=0), matrix.clip(max=0)
    least = low * positive.sum(0) + high * negative.sum(0) + offset
    largest = high * positive.sum(0) + low * negative.sum(0) + offset
    return least, largest


def _natural(low: np.ndarray, high: np.ndarray) -> bool:
    spread = high - low
    if np.allclose(low, 0, atol=0.02) and np.allclose(high, 1, atol=0.02):
        return True
    around_zero = bool(np.all((low < 0) & (high > 0)))
    return around_zero and bool(
        np.all((spread > 1.5) & (spread < 12)) or np.all((spread > 200) & (spread < 300))
    )


def _door(graph: Any, tensor: Any) -> Door:
    """The arithmetic behind an input, if all of it ends in one tensor that the network reads."""
    if len(tensor.shape) != 4 or tensor.shape[-1] is None:
        return Door()
    nodes = graph.nodes()
    inside, steps = {id(tensor): tensor}, []
    for node in nodes:
        known = type(node.operation).__name__ in _AFFINE
        if known and node.inputs and all(id(t) in inside for t in node.inputs):
            steps.append(node)
            inside |= {id(t): t for t in node.outputs}
    read = {id(t) for node in nodes if node not in steps for t in node.inputs}
    read |= {id(t) for t in graph.outputs}
    exits = [inside[key] for key in inside if key in read]
    if len(exits) != 1 or len(exits[0].shape) != 4 or exits[0] is tensor:
        return Door()
    try:
        matrix, offset = _affine_of(steps, tensor, exits[0])
    except Exception:  # an operation that does not run on a few pixels
        return Door()
    if matrix is None or (np.array_equal(matrix, np.eye(*matrix.shape)) and not offset.any()):
        return Door()
    names = ", ".join(
        f"{node.name!r} ({type(node.operation).__name__})" for node in steps if _computes(node)
    )
    found = natural_range(matrix, offset)
    return Door(found, f"it begins with {names}") if found else Door(None, names)


def _computes(node: Any) -> bool:
    return type(node.operation).__name__ not in _MOVING


def _affine_of(steps: Sequence[Any], tensor: Any, end: Any) -> tuple[np.ndarray | None, np.ndarray]:
    """A and b of y = x A + b, by showing the steps 0 and one channel at a time."""
    channels, dtype = int(tensor.shape[-1]), tensor.spec.dtype

    def run(pixel: np.ndarray) -> np.ndarray:
        values = {id(tensor): np.broadcast_to(pixel.astype(dtype), (1, 2, 2, channels))}
        for node in steps:
            results = _call(node, values)
            values |= {id(t): value for t, value in zip(node.outputs, results, strict=True)}
        return np.asarray(values[id(end)], "float64")[0, 0, 0]

    offset = run(np.zeros(channels))
    matrix = np.stack([run(np.eye(channels)[c]) - offset for c in range(channels)])
    probe = np.arange(1.0, channels + 1)
    if not np.allclose(run(probe), probe @ matrix + offset, rtol=1e-4, atol=1e-4):
        return None, offset  # not what it seems to be
    return matrix, offset


def _call(node: Any, values: dict[int, Any]) -> list[Any]:
    from keras import tree

    from ..lowering._graph import Tensor

    def fill(leaf: Any) -> Any:
        return values[id(leaf)] if isinstance(leaf, Tensor) else leaf

    args, kwargs = tree.map_structure(fill, (node.args, node.kwargs))
    kwargs.pop("training", None)
    return tree.flatten(node.operation.call(*args, **kwargs))
