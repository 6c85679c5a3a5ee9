"""Constant folding of small integer tensors: sizes, axes, pads."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

# fmt: off
_ELEMENTWISE = frozenset({
    "Add", "AddV2", "Cast", "Ceil", "Floor", "FloorDiv", "FloorMod", "Greater", "GreaterEqual",
    "Identity", "Less", "LessEqual", "Maximum", "Minimum", "Mul", "Neg", "RealDiv", "Rint", "Round",
    "StopGradient", "Sub",
})
_STRUCTURAL = frozenset({
    "ConcatV2", "ExpandDims", "GatherV2", "Pack", "Reshape", "Slice", "Squeeze", "StridedSlice",
    "Unpack",
})
# fmt: on
_LARGEST = 64  # elements

Partly = tuple[np.ndarray, np.ndarray]
"""Values, and whether each is known."""


Shapes = Mapping[int, Sequence[int | None]]
"""id of a tensor, as `root_of` gives it -> the shape that it is taken to have."""

_NOTHING: Shapes = MappingProxyType({})
# What leaves every size as it is: its shape is that of what it reads.
_KEEPING = frozenset(
    {"BiasAdd", "Cast", "Elu", "Identity", "Relu", "Relu6", "Sigmoid", "Softplus", "Tanh"}
)


def value_of(tensor: Any) -> np.ndarray | None:
    """The value of a tensor or of what becomes one, or None where it depends on an open size.

    TensorFlow's own folding of constants gives up where any size of the tensor that is asked for
    its shape is open, the batch included.
    """
    import tensorflow as tf

    if not tf.is_tensor(tensor):
        tensor = tf.convert_to_tensor(tensor)
    if hasattr(tensor, "numpy"):
        return tensor.numpy()
    found = _partly(tensor, _NOTHING)
    return found[0] if found is not None and found[1].all() else None


def numbers_of(tensor: Any, given: Shapes) -> list[int | None] | None:
    """The elements of a vector of integers, None for those that are open where `given` holds."""
    found = _partly(tensor, given)
    if found is None:
        return None
    return [int(n) if known else None for n, known in zip(*found, strict=True)]


def root_of(tensor: Any) -> Any:
    """What a tensor was computed from element by element."""
    while tensor.op.type in _KEEPING:
        tensor = tensor.op.inputs[0]
    return tensor


def _partly(tensor: Any, given: Shapes) -> Partly | None:
    import tensorflow as tf

    op = tensor.op
    if op.type == "Shape":
        shape = op.inputs[0].shape
        if shape.rank is None:
            return None
        sizes = given.get(id(root_of(op.inputs[0])), shape.as_list())
        return (
            np.array([0 if n is None else n for n in sizes], tensor.dtype.as_numpy_dtype),
            np.array([n is not None for n in sizes]),
        )
    constant = tf.get_static_value(tensor)
    if constant is not None:
        constant = np.asarray(constant)
        return constant, np.ones(constant.shape, bool)
    if op.type not in _ELEMENTWISE | _STRUCTURAL or (tensor.shape.num_elements() or 0) > _LARGEST:
        return None
    parts = [_partly(x, given) for x in op.inputs]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    index = list(op.outputs).index(tensor)
    values = _run(op, [part[0] for part in known], index)
    if op.type in _ELEMENTWISE:
        mask = np.logical_and.reduce([np.broadcast_to(part[1], values.shape) for part in known])
        return values, mask
    masks = [
        part[1].astype(part[0].dtype) if _is_data(op, k) else part[0]
        for k, part in enumerate(known)
    ]
    if not all(part[1].all() for k, part in enumerate(known) if not _is_data(op, k)):
        return None
    return values, _run(op, masks, index).astype(bool)


def _is_data(op: Any, position: int) -> bool:
    """Whether an input of a structural operator is what is moved, not an index or a size."""
    if op.type == "Pack":
        return True
    return position < len(op.inputs) - 1 if op.type == "ConcatV2" else position == 0


def _run(op: Any, values: list[np.ndarray], index: int) -> np.ndarray:
    """One operator on other values."""
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        feeds = [
            tf.constant(value, dtype=x.dtype) for value, x in zip(values, op.inputs, strict=True)
        ]
        definition = op.node_def
        copy = tf.compat.v1.NodeDef()
        copy.CopyFrom(definition)
        del copy.input[:]
        copy.input.extend(feed.op.name for feed in feeds)
        copy.name = "evaluated"
        whole = graph.as_graph_def()
        whole.node.append(copy)
    with tf.Graph().as_default() as fresh:
        (found,) = tf.import_graph_def(whole, return_elements=[f"evaluated:{index}"], name="")
        with tf.compat.v1.Session(graph=fresh) as session:
            return np.asarray(session.run(found))
