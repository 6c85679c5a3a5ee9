"""What a graph of TensorFlow says of its inputs and outputs: of a SavedModel, of opaque layers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._others import _tensorflow
from ._graph_facts import NOTHING, Door, GraphFacts
from ._natural_range import OPEN, affine_of, changes_nothing, middle, natural_range

_ARITHMETIC = {"Add", "AddV2", "BiasAdd", "Div", "Mul", "Neg", "RealDiv", "Sub"}
# What only moves values, or mixes equal ones of neighbours.
_MOVING = {
    "Cast", "ConcatV2", "ExpandDims", "GatherV2", "Identity", "IdentityN", "MirrorPad", "Pack",
    "Pad", "PadV2", "Reshape", "ResizeBilinear", "ResizeNearestNeighbor", "ReverseV2", "Slice",
    "Split", "SplitV", "Squeeze", "StopGradient", "StridedSlice", "Transpose", "Unpack",
}  # fmt: skip
_ACTIVATIONS = {
    "ArgMax": "class_map",
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Tanh": "tanh",
}
_PASSING = {
    "Cast", "Identity", "IdentityN", "Reshape", "ResizeBilinear", "ResizeNearestNeighbor",
    "Squeeze", "Transpose",
}  # fmt: skip
_SIZES = {"NoOp", "Rank", "Shape", "ShapeN", "Size"}
"""Operators that read a tensor and none of its values."""


def facts_of_function(function: Any, inputs: Sequence[str], outputs: Sequence[str]) -> GraphFacts:
    """Read off a concrete function, whose own functions are put in their callers' places.

    Args:
        function: a `tf.ConcreteFunction` with inputs and outputs by name.
        inputs: their names, in the order wanted.
        outputs: likewise.
    """
    try:
        frozen = _tensorflow.frozen(function)
        places = {tensor.name.split(":")[0]: tensor for tensor in frozen.inputs}
        results = dict(zip(sorted(function.structured_outputs), frozen.outputs, strict=True))
        doors = tuple(_door(frozen, places[name]) for name in inputs)
        return GraphFacts(doors, tuple(_last_activation(results[name]) for name in outputs))
    except ImportError:  # which says nothing of the function
        raise
    except Exception:  # TensorFlow's, of many kinds: nothing is known
        return NOTHING


def _door(frozen: Any, tensor: Any) -> Door:
    """The arithmetic behind an input, if all of it ends in one tensor that the network reads."""
    if tensor.shape.rank not in (4, 5) or tensor.shape[-1] is None:
        return Door()
    reached, steps = {tensor.name}, []
    beyond: set[str] = set()  # what other inputs and the network make
    exits: dict[str, Any] = {}
    for operation in frozen.graph.get_operations():  # in an order in which they can be run
        inside = [source for source in operation.inputs if source.name in reached]
        mixed = any(source.name in beyond for source in operation.inputs)
        results = {output.name for output in operation.outputs}
        if operation.type == "Placeholder":
            beyond |= results - {tensor.name}
        elif not (inside or mixed) or (operation.type in _SIZES and not mixed):
            continue
        elif operation.type in _ARITHMETIC | _MOVING and not mixed:
            steps.append(operation.type)
            reached |= results
        else:
            exits |= {source.name: source for source in inside}
            beyond |= results
    exits |= {output.name: output for output in frozen.outputs if output.name in reached}
    if len(exits) != 1 or tensor.name in exits:
        return Door()
    (end,) = exits.values()
    matrix, offset = affine_of(_running(frozen, tensor, end), int(tensor.shape[-1]))
    if matrix is None or changes_nothing(matrix, offset):
        return Door()
    names = ", ".join(dict.fromkeys(kind for kind in steps if kind in _ARITHMETIC))
    found = natural_range(matrix, offset)
    return Door(found, f"it begins with {names}") if found else Door(None, names)


def _running(frozen: Any, tensor: Any, end: Any) -> Callable[[np.ndarray], np.ndarray]:
    """From one pixel of the input to what the graph makes of it, far from the borders."""
    import tensorflow as tf

    part = frozen.prune(tensor, end)
    shape = [size or OPEN for size in tensor.shape.as_list()]
    shape[0] = tensor.shape[0] or 1

    def run(pixel: np.ndarray) -> np.ndarray:
        image = np.broadcast_to(pixel.astype(tensor.dtype.as_numpy_dtype), shape)
        return middle(np.asarray(part(tf.constant(image)))[0])

    return run


def _last_activation(tensor: Any) -> str:
    """`"softmax"`, `"sigmoid"`, `"tanh"`, `"relu"`, `"class_map"`, or "" for none of these."""
    operation = tensor.op
    while operation.type in _PASSING:
        operation = operation.inputs[0].op
    return _ACTIVATIONS.get(operation.type, "")
