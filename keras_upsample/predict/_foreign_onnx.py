"""The graph of an ONNX file: what it does to its input first and to its outputs last."""

from pathlib import Path
from typing import Any

import numpy as np

from ._foreign_part import Arithmetic, Node, Part, last_activation, part_behind


def read(path: Path, name: str) -> tuple[dict[str, str], Arithmetic | None]:
    """Activations by output, and the arithmetic at the door.

    Args:
        path: of the file.
        name: of the input that takes the picture.
    """
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    graph = model.graph
    nodes = [
        Node(n.op_type if not n.domain else "", tuple(filter(None, n.input)), tuple(n.output))
        for n in graph.node
    ]
    results = [output.name for output in graph.output]
    activations = {result: last_activation(nodes, result) for result in results}
    activations = {result: kind for result, kind in activations.items() if kind}
    constants = {item.name for item in graph.initializer}
    others = {item.name for item in graph.input} - constants - {name}
    part = part_behind(nodes, name, others, set(results))
    return activations, None if part is None else Arithmetic(
        part.names, _running(model, name, part)
    )


def _running(model: Any, name: str, part: Part) -> Any:
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

    def run(image: np.ndarray) -> np.ndarray:
        return np.asarray(evaluator.run(None, {name: image})[0])

    return run
