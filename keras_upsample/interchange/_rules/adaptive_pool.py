"""Adaptive average pooling as PyTorch's dynamo exporter writes it, where bins differ in size.

It gathers the pixels of all bins into an array (N, C, rows, in a bin, columns, in a bin), puts
zeros in place of those that are no part of a bin, adds the others up one by one and divides, or
takes a mean. Whatever the group looks like, it is linear and treats channels alike. So it is
recognised by what it computes: random images, against the definition.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from .._net import OnnxNode
from .._operators.pools import ADAPTIVE_POOL
from ._here import Declined, Here

NAME = "adaptive average pooling"

_LINEAR = (
    *("Add", "Cast", "Div", "Gather", "GatherND", "Identity", "Mul", "ReduceMean", "ReduceSum"),
    *("Reshape", "Squeeze", "Transpose", "Unsqueeze", "Where"),
)
_MOST_NODES = 5000
_CHANNELS = 4


def match(here: Here) -> OnnxNode | None:
    """The Div or ReduceMean that ends a group which a GatherND begins."""
    last = here.this
    result = here.shape(last.outputs[0])
    if last.kind not in ("Div", "ReduceMean") or result is None or len(result) != 4:
        return None
    found = _group(here)
    if found is None:
        return None
    nodes, source = found
    image = here.shape(source)
    if image is None or len(image) != 4 or not all(isinstance(n, int) for n in image):
        return None
    if image[:2] != result[:2]:
        raise Declined(f"{image} becomes {result}")
    x = np.random.default_rng(0).normal(size=(1, _CHANNELS, *image[2:])).astype("float32")
    wanted = np.einsum(
        "oh,nchw,pw->ncop", _bins(image[2], result[2]), x, _bins(image[3], result[3])
    )
    y = _computed(here, nodes, source, x)
    if y.shape != wanted.shape or not np.allclose(y, wanted, rtol=0, atol=1e-5):
        raise Declined(f"{image} to {result} by other weights than means over bins")
    return replace(
        last,
        kind=ADAPTIVE_POOL,
        inputs=(source,),
        attributes=MappingProxyType({"sizes": tuple(result[2:])}),
    )


def _group(here: Here) -> tuple[list[OnnxNode], str] | None:
    """The nodes between a tensor and this node, in order, and its name."""
    found: dict[str, OnnxNode] = {}
    sources = set()
    waiting = [here.this]
    while waiting:
        node = waiting.pop()
        if node.outputs[0] in found:
            continue
        found[node.outputs[0]] = node
        if node.kind not in _LINEAR or len(found) > _MOST_NODES:
            return None
        for place, name in enumerate(node.inputs):
            if not name or here.constant(node, place) is not None:
                continue
            maker = here.maker(name, shared=True)
            begins = node.kind == "Transpose" and any(
                reader.kind == "GatherND" for reader in here.readers(node.outputs[0])
            )
            if begins or maker is None:
                sources.add(name)
            else:
                waiting.append(maker)
    if len(sources) != 1 or not any(node.kind == "GatherND" for node in found.values()):
        return None
    source = sources.pop()
    return _in_order(found, source), source


def _in_order(found: dict[str, OnnxNode], source: str) -> list[OnnxNode]:
    known, result = {source}, []
    left = list(found.values())[::-1]
    while left:
        ready = [node for node in left if not {*node.inputs} & found.keys() - known]
        if not ready:
            raise Declined("a circle")
        result += ready
        known |= {node.outputs[0] for node in ready}
        left = [node for node in left if node.outputs[0] not in known]
    return result


def _bins(length: int, count: int) -> np.ndarray:
    """Means over floor(i n / m) .. ceil((i + 1) n / m), (count, length)."""
    matrix = np.zeros((count, length))
    for i in range(count):
        begin, end = i * length // count, -(-(i + 1) * length // count)
        matrix[i, begin:end] = 1 / (end - begin)
    return matrix


def _computed(here: Here, nodes: Sequence[OnnxNode], source: str, x: np.ndarray) -> np.ndarray:
    """What the group makes of an image, by ONNX' reference evaluator."""
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    constants = {
        name: here.constant(node, place)
        for node in nodes
        for place, name in enumerate(node.inputs)
        if name and here.constant(node, place) is not None
    }
    graph = helper.make_graph(
        [node.proto for node in nodes],
        "group",
        [helper.make_tensor_value_info(source, 1, x.shape)],
        [helper.make_tensor_value_info(here.this.outputs[0], 1, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    opset = [helper.make_opsetid("", here.opset)]
    model = helper.make_model(graph, opset_imports=opset)
    try:
        return np.asarray(ReferenceEvaluator(model).run(None, {source: x})[0])
    except Exception as error:  # of the evaluator, where shapes depend on the channels
        raise Declined(f"it can't be computed alone: {error}") from error
