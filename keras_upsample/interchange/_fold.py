"""Constants and shapes of a net, computed before its nodes are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import ArtefactError
from ._net import MOST_ELEMENTS, SMALL, OnnxNet, OnnxNode, computed
from ._observe import Observed
from ._open import Varying, opened

GROWTH = 8  # how many times its own constants those that a file's nodes compute may be


@dataclass(frozen=True)
class Folded:
    """A net without the nodes that depend on no input's values.

    Attributes:
        net: the nodes that are left; `constants` holds what the others computed.
        shapes: tensor -> its lengths, where all of them are known; `Open` ones of an open file.
        varying: what depends on open lengths.
    """

    net: OnnxNet
    shapes: Mapping[str, tuple[Any, ...]]
    varying: Mapping[str, Varying] = field(default_factory=dict)


def folded(net: OnnxNet, shapes: Mapping[str, tuple[int, ...]]) -> Folded:
    """What is left of a net whose inputs have these shapes.

    Nodes that can't be computed stay; whoever reads the net names them.

    Raises:
        ArtefactError: its nodes compute far more constants than the file has.
    """
    known = dict(net.constants)
    nodes: Sequence[OnnxNode] = net.nodes
    found: Mapping[str, tuple[int, ...]] = shapes
    while True:
        left = [node for node in nodes if not _computed_into(known, node, net, found)]
        if nodes is not net.nodes and len(left) == len(nodes):
            return Folded(replace(net, nodes=left, constants=known), MappingProxyType(found))
        nodes = left
        found = _shapes(net, nodes, known, shapes)


def folded_at(net: OnnxNet, observed: Observed) -> Folded:
    """The same for a file that was run at several sizes."""
    known, varying = dict(net.constants), {}
    for name, values in observed.values.items():
        # Encoders without a stage give a map of no channels, which is as good at any size.
        empty = not any(value.size for value in values)
        if empty or all(np.array_equal(value, values[0]) for value in values):
            known[name] = values[0]
        else:
            varying[name] = Varying(values)
    left = [
        node
        for node in net.nodes
        if not all(name in observed.values for name in node.outputs if name)
        and not _computed_into(known, node, net, {})
    ]
    shapes = {
        name: tuple(map(opened, zip(*seen, strict=True)))
        for name, seen in observed.shapes.items()
        if len({len(shape) for shape in seen}) == 1
    }
    return Folded(replace(net, nodes=left, constants=known), shapes, varying)


def _computed_into(
    known: dict[str, np.ndarray],
    node: OnnxNode,
    net: OnnxNet,
    shapes: Mapping[str, tuple[int, ...]],
) -> bool:
    if node.kind == "Shape" and node.inputs[0] in shapes:
        first, last = node.attributes.get("start", 0), node.attributes.get("end")
        known[node.outputs[0]] = np.array(shapes[node.inputs[0]][first:last], np.int64)
        return True
    if not all(name in known for name in node.inputs if name):
        return False
    if node.kind == "Identity":
        known[node.outputs[0]] = known[node.inputs[0]]
        return True
    try:
        arrays = computed(node, net.opset, [known.get(name) for name in node.inputs])
    except Exception:  # of onnx' evaluator, which lacks operators of other domains
        return False
    known |= zip((name for name in node.outputs if name), arrays, strict=False)
    own, there = (sum(array.size for array in each.values()) for each in (net.constants, known))
    if there > MOST_ELEMENTS + GROWTH * own:
        raise ArtefactError(
            f"its nodes up to {node.name!r} ({node.kind}) compute constants of {there:,} elements, "
            f"and the file has {own:,}"
        )
    return True


def _shapes(
    net: OnnxNet,
    nodes: Sequence[OnnxNode],
    known: Mapping[str, np.ndarray],
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, tuple[int, ...]]:
    """Tensor -> lengths, by ONNX' own inference with the values of small constants."""
    import onnx
    from onnx import helper, numpy_helper

    read = {name for node in nodes for name in node.inputs}
    constants = [(name, array) for name, array in known.items() if name in read]
    small = [
        numpy_helper.from_array(array, name) for name, array in constants if array.size <= SMALL
    ]
    inputs = [_info(name, np.dtype(np.float32), shape) for name, shape in shapes.items()]
    inputs += [
        _info(name, array.dtype, array.shape) for name, array in constants if array.size > SMALL
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in net.outputs]
    graph = helper.make_graph([node.proto for node in nodes], "live", inputs, outputs, small)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", net.opset)])
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    result = dict(shapes)
    for value in (*inferred.value_info, *inferred.output):
        dims = value.type.tensor_type.shape.dim
        lengths = [dim.dim_value for dim in dims if dim.HasField("dim_value")]
        if value.type.tensor_type.HasField("shape") and len(lengths) == len(dims):
            result[value.name] = tuple(lengths)
    return result


def _info(name: str, dtype: Any, shape: Sequence[int]) -> Any:
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(dtype)
    return helper.make_tensor_value_info(name, kind, shape)
