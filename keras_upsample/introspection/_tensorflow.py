"""A graph of TensorFlow: what its preprocessing and its last activations say."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._others import _tensorflow
from ._facts import NOTHING, Door, GraphFacts
from ._preprocessing import Preprocessing, door_of
from ._subgraph import Node, Subgraph, last_activation, preprocessing_subgraph

_COMPUTING = ("Add", "AddV2", "BiasAdd", "Div", "Mul", "Neg", "RealDiv", "Sub")
_MOVING = (
    "ConcatV2", "ExpandDims", "GatherV2", "MirrorPad", "Pack", "Pad", "PadV2", "ReverseV2", "Slice",
    "Split", "SplitV", "StopGradient", "StridedSlice", "Unpack",
)  # fmt: skip
_PASSING = (
    "Cast", "Identity", "IdentityN", "Reshape", "ResizeBilinear", "ResizeNearestNeighbor",
    "Squeeze", "Transpose",
)  # fmt: skip
_ROLES = {
    **dict.fromkeys(_COMPUTING, "computes"),
    **dict.fromkeys(_MOVING, "moves"),
    **dict.fromkeys(_PASSING, "passes"),
    **dict.fromkeys(("NoOp", "Rank", "Shape", "ShapeN", "Size"), "sizes"),
    "ArgMax": "class_map",
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Tanh": "tanh",
}


def facts_of_function(function: Any, inputs: Sequence[str], outputs: Sequence[str]) -> GraphFacts:
    """Read off a concrete function, whose own functions are put in their callers' places.

    Args:
        function: a `tf.ConcreteFunction` with inputs and outputs by name.
        inputs: their names, in the order wanted.
        outputs: likewise.
    """
    try:
        frozen = _tensorflow.freeze(function)
        operations = frozen.graph.get_operations()  # in an order in which they can be run
        nodes = [
            Node(_ROLES.get(each.type, ""), each.type, _names(each.inputs), _names(each.outputs))
            for each in operations
        ]
        places = {tensor.name.split(":")[0]: tensor for tensor in frozen.inputs}
        results = dict(zip(sorted(function.structured_outputs), frozen.outputs, strict=True))
        doors = tuple(_door(frozen, nodes, places[name]) for name in inputs)
        kinds = tuple(last_activation(nodes, results[name].name) for name in outputs)
        return GraphFacts(doors, kinds)
    except ImportError:  # which says nothing of the function
        raise
    except Exception:  # TensorFlow's, of many kinds: nothing is known
        return NOTHING


def _names(tensors: Sequence[Any]) -> tuple[str, ...]:
    return tuple(tensor.name for tensor in tensors)


def _door(frozen: Any, nodes: Sequence[Node], tensor: Any) -> Door:
    """What preprocessing behind an input says of it."""
    if tensor.shape.rank not in (4, 5) or tensor.shape[-1] is None:
        return Door()
    placeholders = {name for node in nodes if node.name == "Placeholder" for name in node.outputs}
    others, outputs = placeholders - {tensor.name}, set(_names(frozen.outputs))
    part = preprocessing_subgraph(nodes, tensor.name, others, outputs)
    if part is None:
        return Door()
    found = Preprocessing(dict.fromkeys(part.names), _runner(frozen, tensor, part))
    try:
        return door_of(found, tensor.shape.as_list(), tensor.dtype.as_numpy_dtype)
    except Exception:  # an operation that does not run on a few pixels
        return Door()


def _runner(frozen: Any, tensor: Any, part: Subgraph) -> Callable[[np.ndarray], np.ndarray]:
    """By TensorFlow, on that part of the graph alone."""
    import tensorflow as tf

    pruned = frozen.prune(tensor, frozen.graph.get_tensor_by_name(part.end))
    return lambda images: pruned(tf.constant(images))
