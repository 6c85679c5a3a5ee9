"""The graph of a Keras model: what its preprocessing and its last activations say."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..program._program import Program
from ._facts import NOTHING, Door, GraphFacts
from ._preprocessing import Preprocessing, door_of
from ._subgraph import Node, preprocessing_subgraph

# What only moves values or mixes equal ones of neighbours, by the names of Keras' operations and
# layers, and what does so in training alone.
_MOVING = {
    "Identity", "InputLayer", "Cast", "GetItem", "Flip", "Split", "Unstack", "Stack", "Concatenate",
    "ExpandDims", "Squeeze", "Transpose", "Permute", "ZeroPadding2D", "Cropping2D", "CenterCrop",
    "Resizing", "UpSampling2D", "Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise",
    "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter",
    "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip",
    "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective",
    "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear",
    "RandomTranslation", "RandomZoom",
}  # fmt: skip
# Arithmetic with constants, or of the input with itself.
_COMPUTING = {
    "Rescaling", "Normalization", "Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Negative",
}  # fmt: skip
_ROLES = {**dict.fromkeys(_MOVING, "moves"), **dict.fromkeys(_COMPUTING, "computes")}

# Layers that hold a function or a graph, of which Keras says nothing.
_OPAQUE = {"Lambda", "TFSMLayer", "SavedModelFunction"}


def facts_of_program(program: Program) -> GraphFacts:
    """What the graph of a Keras model says."""
    from ..program._last_activation import last_activation

    try:
        graph = program.graph
    except Exception:  # a model that can't be followed with symbolic tensors
        return _facts_by_tensorflow(program)
    if not _seen_through(graph):
        return _facts_by_tensorflow(program)
    doors = tuple(_door(graph, tensor) for tensor in graph.inputs)
    return GraphFacts(doors, tuple(last_activation(tensor) for tensor in graph.outputs))


def _facts_by_tensorflow(program: Program) -> GraphFacts:
    """The same of the graph that TensorFlow makes of the model."""
    from ..program._inference import inference_function, with_precision
    from ._tensorflow import facts_of_function

    try:
        infer = inference_function(with_precision(program.model), program.signature)
        function = infer.get_concrete_function()
    except Exception:  # it can't be traced, which the export itself will say
        return NOTHING
    names = [spec.name for spec in program.signature.inputs]
    return facts_of_function(function, names, list(function.structured_outputs))


def _seen_through(graph: Any) -> bool:
    """Whether what reads the inputs and makes the outputs is Keras', and no code of the user's."""
    ends = {id(tensor) for tensor in graph.inputs}
    nodes = [node for node in graph.nodes() if any(id(t) in ends for t in node.inputs)]
    nodes += [tensor.node for tensor in graph.outputs if tensor.node is not None]
    return not any(_is_opaque(node.operation) for node in nodes)


def _is_opaque(operation: Any) -> bool:
    kind = type(operation)
    own = kind.__module__.split(".")[0] in ("keras", "keras_upsample")
    return not own or kind.__name__ in _OPAQUE


def _door(graph: Any, tensor: Any) -> Door:
    """What preprocessing behind an input says of it."""
    if len(tensor.shape) not in (4, 5) or tensor.shape[-1] is None:
        return Door()
    nodes = graph.nodes()
    others = set(graph.inputs) - {tensor}
    part = preprocessing_subgraph(list(map(_neutral, nodes)), tensor, others, set(graph.outputs))
    if part is None or len(part.end.shape) != len(tensor.shape):
        return Door()
    run = _runner([nodes[index] for index in part.nodes], tensor, part.end)
    try:
        return door_of(Preprocessing(part.names, run), (1, *tensor.shape[1:]), tensor.spec.dtype)
    except Exception:  # an operation that does not run on a few pixels
        return Door()


def _neutral(node: Any) -> Node:
    kind = type(node.operation).__name__
    name = f"{node.name!r} ({kind})"
    return Node(_ROLES.get(kind, ""), name, tuple(node.inputs), tuple(node.outputs))


def _runner(steps: Sequence[Any], tensor: Any, end: Any) -> Callable[[np.ndarray], np.ndarray]:
    """By Keras' own operations."""

    def run(images: np.ndarray) -> np.ndarray:
        values = {id(tensor): images}
        for node in steps:
            values |= zip(map(id, node.outputs), _call(node, values), strict=True)
        return values[id(end)]

    return run


def _call(node: Any, values: dict[int, Any]) -> list[Any]:
    from keras import tree

    args, kwargs = node.arguments_from(values)
    kwargs.pop("training", None)
    if "training" in inspect.signature(node.operation.call).parameters:
        kwargs["training"] = False  # some layers train unless told not to
    return tree.flatten(node.operation.call(*args, **kwargs))
