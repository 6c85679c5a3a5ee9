"""The float64 reference: a Keras model computed in double precision."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._others import _keras, _tensorflow
from ..program._inference import set_precision
from ..program._private import private_copy
from ._double_operators import double_operators

_SMALL = {"DT_FLOAT", "DT_HALF", "DT_BFLOAT16"}
_TYPES = ("T", "dtype", "DstT", "out_type")
_NAMES = """
Const Placeholder ReadVariableOp VarHandleOp AssignVariableOp NoOp Identity IdentityN Snapshot
StopGradient PreventGradient EnsureShape Fill ZerosLike OnesLike OneHot Reshape Transpose Squeeze
ExpandDims Shape ShapeN Size Rank BroadcastTo Tile ReverseV2 Roll Pad PadV2 MirrorPad StridedSlice
Slice Split SplitV Pack Unpack Concat ConcatV2 Gather GatherV2 GatherNd ResourceGather
ResizeNearestNeighbor SpaceToDepth DepthToSpace SpaceToBatchND BatchToSpaceND TensorListFromTensor
TensorListStack TensorListGetItem TensorListSetItem TensorListReserve PartitionedCall
StatefulPartitionedCall While StatelessWhile If StatelessIf Enter Exit Switch Merge Select
SelectV2 Max Min Maximum Minimum MaxPool MaxPoolV2 ClipByValue ArgMax ArgMin Abs Neg Sign Relu
Relu6 Floor Ceil Round Rint IsNan IsInf IsFinite Equal NotEqual Less LessEqual Greater
GreaterEqual
"""
_KEEPS = frozenset(_NAMES.split())
"""Operators that only move values, choose among them, turn their sign or make them whole."""


@contextmanager
def in_doubles(model: Any) -> Iterator[Any]:
    """The model computing in float64 what it is given in float64, inside.

    Layers that keep the precision of what comes in, as LayerNormalization does, would get the
    float32 that a functional model casts its inputs to: no such cast is made here. Operators
    without a kernel in float64 are computed by others.

    Args:
        model: is only read; the one that is given is `private`.
    """
    own = private_copy(model)
    for layer in _keras.flatten_layers(own):
        for holder, name, value in list(_replacements(layer)):
            object.__setattr__(holder, name, value)
    set_precision(own, "float64")
    with double_operators():
        yield own


def _replacements(layer: Any) -> Iterator[tuple[Any, str, Any]]:
    """Attributes that hold a layer in float32 besides its policy: owner, name, new value."""
    import keras

    graph = _keras.inner_functional(layer) or layer
    convert = getattr(graph, _keras.INPUT_CONVERSION, None)
    if convert is not None:
        yield graph, _keras.INPUT_CONVERSION, _keep_doubles(convert)
    if isinstance(layer, keras.layers.InputLayer) and layer.dtype == "float32":
        yield layer, _keras.INPUT_DTYPE, "float64"  # a Sequential casts to it
    if type(layer) is keras.layers.Normalization:
        for name in ("mean", "variance"):  # of which Keras takes the root in their precision
            if getattr(layer, name) is not None:
                yield layer, name, keras.ops.cast(getattr(layer, name), "float64")
    if not layer.autocast:
        yield layer, "autocast", True


def _keep_doubles(original: Any) -> Any:
    def convert(flat_inputs: Any) -> list[Any]:
        converted = original(flat_inputs)
        return [
            given if getattr(given, "dtype", None) == "float64" else value
            for given, value in zip(flat_inputs, converted, strict=True)
        ]

    return convert


def rounds(graph: Any) -> str:
    """The first operator of a TensorFlow graph that rounds to less than float64; "" for none.

    A layer may cast to float32 and back, so the dtype of an output does not show that. Float32
    values from which only integers are computed, e.g. sizes and positions, don't count.
    """
    waiting = [tensor.op for tensor in graph.outputs]
    seen = set()
    while waiting:
        operation = waiting.pop()
        if operation.name in seen:
            continue
        seen.add(operation.name)
        waiting += [tensor.op for tensor in operation.inputs]
        if operation.type == "Cast":
            found = _cast(operation)
            if found:
                return found
    for tensor in graph.outputs:
        if _is_small(tensor) and (found := _computed_small(tensor.op)):
            return found
    for function in graph.as_graph_def().library.function:  # bodies of loops
        for node in function.node_def:
            small = [_attribute(node, name) in _SMALL for name in _TYPES]
            if node.op not in _KEEPS and any(small):
                return f"{node.op} {node.name!r}"
    return ""


def _cast(operation: Any) -> str:
    before, after = operation.inputs[0], operation.outputs[0]
    if before.dtype.name == "float64" and _is_small(after):
        return f"Cast {operation.name!r}"
    if _is_small(before) and after.dtype.name == "float64":
        return _computed_small(before.op)
    return ""


def _computed_small(last: Any) -> str:
    """The first operator that rounds, going back from `last` along small floats; "" for none."""
    waiting, seen = [last], set()
    while waiting:
        operation = waiting.pop()
        if operation.name in seen:
            continue
        seen.add(operation.name)
        if operation.type not in _KEEPS and operation.type != "Cast":
            return f"{operation.type} {operation.name!r}"
        waiting += [tensor.op for tensor in operation.inputs if _is_small(tensor)]
    return ""


def _is_small(tensor: Any) -> bool:
    return tensor.dtype.name in ("float32", "float16", "bfloat16")


def _attribute(node: Any, attribute: str) -> str:
    if attribute not in node.attr:
        return ""
    return _tensorflow.data_type_name(node.attr[attribute].type)
