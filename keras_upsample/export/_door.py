"""What a model's graph says of its own inputs and outputs.

A network that begins with `Rescaling(1 / 255)` is made for [0, 255], one that ends with a softmax
gives probabilities. Only what the graph says for sure is told.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..program._signature import Signature
from ._graph_facts import NOTHING, Door, GraphFacts
from ._natural_range import OPEN, affine_of, changes_nothing, middle, natural_range

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
_AFFINE = _MOVING | {
    "Rescaling", "Normalization", "Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Negative",
}  # fmt: skip


# Layers that hold a function or a graph, of which Keras says nothing.
_OPAQUE = {"Lambda", "TFSMLayer", "SavedModelFunction"}


def facts_of_graph(model: Any, signature: Signature) -> GraphFacts:
    """What the graph of a Keras model says; the model stays as it is."""
    from ..program._last_activation import last_activation
    from ..program._read import graph_of

    try:
        graph = graph_of(model, signature)
    except Exception:  # a model that can't be followed with symbolic tensors
        return _facts_by_tensorflow(model, signature)
    if not _seen_through(graph):
        return _facts_by_tensorflow(model, signature)
    doors = tuple(_door(graph, tensor) for tensor in graph.inputs)
    return GraphFacts(doors, tuple(last_activation(tensor) for tensor in graph.outputs))


def _facts_by_tensorflow(model: Any, signature: Signature) -> GraphFacts:
    """The same of the graph that TensorFlow makes of the model."""
    from ..program._inference import inference_function, with_precision
    from ._tensorflow_graph import facts_of_function

    try:
        infer = inference_function(with_precision(model), signature)
        function = infer.get_concrete_function()
    except Exception:  # it can't be traced, which the export itself will say
        return NOTHING
    names = [spec.name for spec in signature.inputs]
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
    """The arithmetic behind an input, if all of it ends in one tensor that the network reads."""
    if len(tensor.shape) not in (4, 5) or tensor.shape[-1] is None:
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
    if len(exits) != 1 or len(exits[0].shape) != len(tensor.shape) or exits[0] is tensor:
        return Door()
    try:
        matrix, offset = affine_of(_running(steps, tensor, exits[0]), int(tensor.shape[-1]))
    except Exception:  # an operation that does not run on a few pixels
        return Door()
    if matrix is None or changes_nothing(matrix, offset):
        return Door()
    names = ", ".join(
        f"{node.name!r} ({type(node.operation).__name__})" for node in steps if _computes(node)
    )
    found = natural_range(matrix, offset)
    return Door(found, f"it begins with {names}") if found else Door(None, names)


def _computes(node: Any) -> bool:
    return type(node.operation).__name__ not in _MOVING


def _running(steps: Sequence[Any], tensor: Any, end: Any) -> Callable[[np.ndarray], np.ndarray]:
    """From one pixel of the input to what the steps make of it, far from the borders."""
    _, *sizes, channels = tensor.shape
    shape, dtype = (1, *(size or OPEN for size in sizes), int(channels)), tensor.spec.dtype

    def run(pixel: np.ndarray) -> np.ndarray:
        values = {id(tensor): np.broadcast_to(pixel.astype(dtype), shape)}
        for node in steps:
            results = _call(node, values)
            values |= {id(t): value for t, value in zip(node.outputs, results, strict=True)}
        return middle(np.asarray(values[id(end)])[0])

    return run


def _call(node: Any, values: dict[int, Any]) -> list[Any]:
    from keras import tree

    from ..program._graph import Tensor

    def fill(leaf: Any) -> Any:
        return values[id(leaf)] if isinstance(leaf, Tensor) else leaf

    args, kwargs = tree.map_structure(fill, (node.args, node.kwargs))
    kwargs.pop("training", None)
    if "training" in inspect.signature(node.operation.call).parameters:
        kwargs["training"] = False  # some layers train unless told not to
    return tree.flatten(node.operation.call(*args, **kwargs))
