"""Shapes and small arrays inside an ONNX file at several sizes of its input, by ONNX Runtime."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..runtimes._onnx_memory import limited_arena, limited_run, most_of, refusal
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


def observe(net: OnnxNet, path: Path, sizes: Sequence[Shapes], *, trust: bool) -> Observed:
    """Run the file at each size. Sizes at which it fails are left out.

    Raises:
        RunMemoryError: it takes more memory than first runs may, and is not trusted.
    """
    most = None if trust else most_of(path)
    following = _following_from_shapes(net)
    names = [name for node in net.nodes for name in node.outputs if name and name not in following]
    session = _session(net, names, following, most)
    rng = np.random.default_rng(0)
    seen: list[tuple[Shapes, list[np.ndarray]]] = []
    for size in sizes:
        refused = None
        feeds = {name: rng.normal(size=shape).astype("float32") for name, shape in size.items()}
        try:
            run = session.run if most is None else partial(limited_run, session)
            seen.append((size, run(None, feeds)))
        except Exception as error:  # ONNX Runtime's, of several kinds
            refused = None if most is None else refusal(error, path, most)
        if refused is not None:
            del session  # with its memory, which the traceback would keep; the caller tries on
            raise refused
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


def _session(net: OnnxNet, names: Sequence[str], values: Sequence[str], most: int | None) -> Any:
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
    with limited_arena(options, most):
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
