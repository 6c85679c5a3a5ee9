"""The graph of an ONNX file: what its preprocessing and its last activations say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ._facts import Door
from ._preprocessing import Preprocessing
from ._subgraph import Node, Subgraph, last_activation, preprocessing_subgraph

_MOVING = (
    "Concat", "Flatten", "Gather", "Pad", "Reverse", "Slice", "Split", "Stack", "Unstack",
)  # fmt: skip
_PASSING = ("Cast", "Identity", "Reshape", "Resize", "Squeeze", "Transpose", "Unsqueeze")
_ROLES = {
    **dict.fromkeys(("Add", "Div", "Mul", "Neg", "Sub"), "computes"),
    **dict.fromkeys(_MOVING, "moves"),
    **dict.fromkeys(_PASSING, "passes"),
    **dict.fromkeys(("Shape", "Size"), "sizes"),
    "ArgMax": "class_map",
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Tanh": "tanh",
}


def read(path: Path, name: str) -> tuple[Preprocessing | Door, dict[str, str]]:
    """The preprocessing of an input, and the last activations by output.

    Args:
        path: of the file.
        name: of the input that takes the picture.
    """
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    graph = model.graph
    nodes = [
        Node(
            "" if node.domain else _ROLES.get(node.op_type, ""),
            node.op_type,
            tuple(filter(None, node.input)),
            tuple(node.output),
        )
        for node in graph.node
    ]
    results = [output.name for output in graph.output]
    activations = {each: kind for each in results if (kind := last_activation(nodes, each))}
    constants = {item.name for item in graph.initializer}
    others = {item.name for item in graph.input} - constants - {name}
    part = preprocessing_subgraph(nodes, name, others, set(results))
    if part is None:
        return Door(), activations
    return Preprocessing(part.names, _runner(model, name, part)), activations


def _runner(model: Any, name: str, part: Subgraph) -> Callable[[np.ndarray], np.ndarray]:
    """By ONNX's own reference of NumPy."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    graph = model.graph
    nodes = [graph.node[index] for index in part.nodes]
    used = {source for node in nodes for source in node.input}
    inputs = [item for item in graph.input if item.name == name]
    values = [item for item in graph.initializer if item.name in used]
    cut = helper.make_graph(nodes, "door", inputs, [helper.make_empty_tensor_value_info(part.end)])
    cut.initializer.extend(values)
    whole = helper.make_model(cut, opset_imports=model.opset_import, ir_version=model.ir_version)
    evaluator = ReferenceEvaluator(whole)

    return lambda images: np.asarray(evaluator.run(None, {name: images})[0])
