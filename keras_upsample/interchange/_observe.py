"""Shapes and small arrays inside an ONNX file at several sizes of its input, by ONNX Runtime."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._net import OnnxNet

Shapes = Mapping[str, tuple[int, ...]]
"""Input -> lengths in the order of ONNX."""


@dataclass(frozen=True)
class Observed:
    """What was seen.

    Attributes:
        sizes: those of the input at which the file runs.
        shapes: tensor -> its shape at each of them.
        values: tensor that follows from shapes -> its value at each of them.
    """

    sizes: Sequence[Shapes]
    shapes: Mapping[str, tuple[tuple[int, ...], ...]]
    values: Mapping[str, tuple[np.ndarray, ...]]


def observe(net: OnnxNet, sizes: Sequence[Shapes]) -> Observed:
    """Run the file at each size. Sizes at which it fails are left out."""
    following = _following_from_shapes(net)
    names = [name for node in net.nodes for name in node.outputs if name and name not in following]
    session = _session(net, names, following)
    rng = np.random.default_rng(0)
    seen: list[tuple[Shapes, list[np.ndarray]]] = []
    for size in sizes:
        feeds = {name: rng.normal(size=shape).astype("float32") for name, shape in size.items()}
        try:
            seen.append((size, session.run(None, feeds)))
        except Exception:  # ONNX Runtime's, of several kinds
            continue
    shapes = {name: tuple(size[name] for size, _ in seen) for name in net.inputs}
    for place, name in enumerate(names):
        shapes[name] = tuple(tuple(result[place].tolist()) for _, result in seen)
    values = {
        name: tuple(result[place] for _, result in seen)
        for place, name in enumerate(following, len(names))
    }
    return Observed([size for size, _ in seen], shapes, values)


def _following_from_shapes(net: OnnxNet) -> list[str]:
    """The tensors that are computed of shapes and of arrays of the file alone."""
    still = set(net.constants)
    found: dict[str, None] = {}
    for node in net.nodes:
        inputs = [name for name in node.inputs if name]
        if node.kind == "Shape" or (inputs and all(n in still or n in found for n in inputs)):
            if node.kind == "Shape" or any(name in found for name in inputs):
                found |= dict.fromkeys(name for name in node.outputs if name)
            else:
                still.update(node.outputs)
        elif not inputs:
            still.update(node.outputs)
    return list(found)


def _session(net: OnnxNet, names: Sequence[str], values: Sequence[str]) -> Any:
    """The file with the shape of every tensor as an output, and no other."""
    import onnx
    import onnxruntime

    model = onnx.ModelProto()
    model.CopyFrom(net.proto)
    graph = model.graph
    del graph.output[:]
    for place, name in enumerate(names):
        graph.node.append(onnx.helper.make_node("Shape", [name], [f"shape of {place}"]))
        graph.output.append(onnx.ValueInfoProto(name=f"shape of {place}"))
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in values)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # sizes at which it fails are not the user's concern
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
