"""An ONNX file as plain nodes and arrays."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .._text import printable
from ..errors import ArtefactError, first_line
from ._half import has_float16, in_float32

_LONGEST = 2**24

MOST_ELEMENTS = 2**27
"""Of a constant that nodes compute."""

SMALL = 64  # numbers; longer constants are no shapes, and are not copied for shape inference
_NO_LARGER = frozenset(("Compress", "NonMaxSuppression", "NonZero", "Unique"))
"""Operators whose results depend on values, and have no more elements than those."""

OPSETS = range(9, 24)

_OF_IMAGES = frozenset(
    (
        "AveragePool",
        "BatchNormalization",
        "Conv",
        "ConvTranspose",
        "DepthToSpace",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "InstanceNormalization",
        "MaxPool",
        "PRelu",
        "SpaceToDepth",
    )
)
"""Operators whose second axis is that of the channels."""


@dataclass(frozen=True)
class OnnxNode:
    """One node.

    Attributes:
        kind: the operator, e.g. "Conv".
        name: of the node, or of its first output.
        inputs, outputs: names of tensors; "" for an optional one that is absent.
        attributes: plain values.
        proto: the node itself, to compute it where all its inputs are constants.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: Any = None


@dataclass(frozen=True)
class OnnxNet:
    """A file.

    Attributes:
        nodes: each behind those that it reads.
        inputs: name -> (lengths, None where one is open; NumPy dtype).
        outputs: names.
        constants: name -> array.
        opset: version of the operators.
        properties: the pairs of strings beside the graph; those of this package say the layout.
        proto: the file itself, if it is one.
        half: whether the file has float16, of which float32 was made.
    """

    name: str
    nodes: Sequence[OnnxNode]
    inputs: Mapping[str, tuple[tuple[int | None, ...], np.dtype]]
    outputs: Sequence[str]
    constants: Mapping[str, np.ndarray]
    opset: int
    properties: Mapping[str, str]
    proto: Any = None
    half: bool = False

    @cached_property
    def last(self) -> bool:
        """Whether inputs and outputs have their channels last: the file says so, as those of this
        package do, or each image meets a Transpose to (N, C, H, W) before any operator that takes
        images, as in files of tf2onnx and Keras."""
        layout = self.properties.get("layout")
        if layout:
            return layout == "nhwc"
        images = [name for name, (lengths, _) in self.inputs.items() if len(lengths) == 4]
        return bool(images) and all(self._turned_first(name) for name in images)

    def _turned_first(self, image: str) -> bool:
        before, behind, found = {image}, set[str](), False
        for node in self.nodes:
            if node.kind == "Shape":
                continue
            if before.intersection(node.inputs):
                if node.kind in _OF_IMAGES:
                    return False
                if node.kind != "Transpose":
                    before.update(node.outputs)
                elif tuple(node.attributes.get("perm", ())) != (0, 3, 1, 2):
                    return False
                else:
                    behind.update(node.outputs)
            elif behind.intersection(node.inputs):
                found = found or node.kind in _OF_IMAGES
                behind.update(node.outputs)
        return found


def read_net(path: Path) -> OnnxNet:
    """Read a file with its weights.

    Raises:
        ArtefactError: it is missing, damaged, or of an opset that is not read.
    """
    import onnx
    from onnx import numpy_helper

    if not path.is_file():
        raise ArtefactError(f"`{printable(path)}` does not exist. Pass an .onnx file.")
    with _readable(path):
        proto = onnx.load(str(path))
    opsets = {entry.domain: entry.version for entry in proto.opset_import}
    opset = opsets.get("", opsets.get("ai.onnx", 0))
    if opset not in OPSETS:
        raise ArtefactError(
            f"`{printable(path)}` has opset {opset}; opsets {OPSETS[0]} to {OPSETS[-1]} are read. "
            "Export it again with another `opset_version`."
        )
    with _readable(path):
        if half := has_float16(proto):
            onnx.shape_inference.infer_shapes(proto, check_type=True)  # before types change
            in_float32(proto)
        # ONNX' inference ends the process at lengths below 0, so that these are looked for first.
        for tensor in proto.graph.initializer:
            numpy_helper.to_array(tensor)
        for value in proto.graph.input:
            _check_lengths(value)
        # The checker asks for shapes of outputs, which a file may leave out.
        proto = onnx.shape_inference.infer_shapes(proto)
        onnx.checker.check_model(proto)
    with _readable(path):
        return _net_of(proto, opset, half)


def _net_of(proto: Any, opset: int, half: bool) -> OnnxNet:
    import onnx
    from onnx import numpy_helper

    graph = proto.graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    nodes = [
        OnnxNode(
            node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}",
            node.name or node.output[0],
            tuple(node.input),
            tuple(node.output),
            {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute},
            node,
        )
        for node in graph.node
    ]
    inputs = {value.name: _type_of(value) for value in graph.input if value.name not in constants}
    properties = {item.key: item.value for item in proto.metadata_props}
    outputs = [value.name for value in graph.output]
    return OnnxNet(graph.name, nodes, inputs, outputs, constants, opset, properties, proto, half)


def _check_lengths(value: Any) -> None:
    """Raise for lengths that are none; -1 is how some exporters write that one is open."""
    for dim in value.type.tensor_type.shape.dim:
        if dim.HasField("dim_value") and dim.dim_value == -1:
            dim.Clear()
        if dim.HasField("dim_value") and not 0 < dim.dim_value < _LONGEST:
            raise ValueError(f"the input {value.name!r} has an axis of length {dim.dim_value}")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of onnx, protobuf, the file system
        raise ArtefactError(
            f"`{printable(path)}` can't be read as ONNX: {first_line(error)}"
        ) from error


def _type_of(value: Any) -> tuple[tuple[int | None, ...], np.dtype]:
    import onnx

    tensor = value.type.tensor_type
    lengths = (dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
    return tuple(lengths), np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))


def computed(node: OnnxNode, opset: int, inputs: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """What a node makes of constants, by ONNX' reference evaluator.

    Raises:
        ArtefactError: it makes more than `MOST_ELEMENTS`, or nobody can say beforehand.
    """
    import onnx
    from onnx import numpy_helper
    from onnx.reference import ReferenceEvaluator

    given = {
        name: array for name, array in zip(node.inputs, inputs, strict=True) if array is not None
    }
    values = [
        onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in given.items()
    ]
    small = [
        numpy_helper.from_array(array, name) for name, array in given.items() if array.size <= SMALL
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.outputs if name]
    graph = onnx.helper.make_graph([node.proto], "constants", values, outputs, small)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    _check_elements(node, onnx.shape_inference.infer_shapes(model, data_prop=True))
    return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, given)]


def _check_elements(node: OnnxNode, model: Any) -> None:
    """The size of what a node makes, by ONNX' inference, before anything is allocated."""
    if any(attribute.HasField("g") or attribute.graphs for attribute in node.proto.attribute):
        raise ArtefactError(f"the node {node.name!r} ({node.kind}) has a graph, and may never end")
    for value in model.graph.output:
        shape = value.type.tensor_type.shape
        dims = [dim.dim_value for dim in shape.dim if dim.HasField("dim_value")]
        known = value.type.tensor_type.HasField("shape") and len(dims) == len(shape.dim)
        if not known and node.kind not in _NO_LARGER:
            raise ArtefactError(f"the size of {value.name!r} ({node.kind}) is not known")
        if math.prod(dims) > MOST_ELEMENTS:
            raise ArtefactError(
                f"the node {node.name!r} ({node.kind}) makes a constant of {math.prod(dims):,} "
                f"elements; at most {MOST_ELEMENTS:,} are computed"
            )
