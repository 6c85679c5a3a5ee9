"""Values of small integer tensors that follow from constants and from the sizes that are known."""

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
    found = _partly(tensor)
    return found[0] if found is not None and found[1].all() else None


def _partly(tensor: Any) -> Partly | None:
    import tensorflow as tf

    op = tensor.op
    if op.type == "Shape":
        shape = op.inputs[0].shape
        if shape.rank is None:
            return None
        sizes = shape.as_list()
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
    parts = [_partly(x) for x in op.inputs]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    index = list(op.outputs).index(tensor)
    values = _run(op, [part[0] for part in known], index)
    if op.type in _ELEMENTWISE:
        mask = np.logical_and.reduce([np.broadcast_to(part[1], values.shape) for part in known])
        return values, mask
    sizes = {id(x) for x in op.inputs if x.dtype == tensor.dtype}
    masks = [
        part[1].astype(part[0].dtype) if _is_data(op, k) else part[0]
        for k, part in enumerate(known)
    ]
    if not sizes or not all(part[1].all() for k, part in enumerate(known) if not _is_data(op, k)):
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
