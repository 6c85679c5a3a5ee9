"""ONNX files of one operator."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gpu_case import Case

OPSET = 20
IMAGE = (1, 8, 4, 6)
Node = tuple[str, Sequence[str], Mapping[str, Any]]


def case(
    operator: str,
    text: str,
    attributes: Mapping[str, Any] | Sequence[Node],
    shapes: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Case:
    """A case.

    Args:
        attributes: of the operator, which reads the inputs and the constants in this order and
            writes `y`; or nodes, each of which writes a tensor named by its place, and the last one
            `y`. The attribute `also` names outputs beside that.
        shapes: of the inputs, or pairs of shape and type; default: `x`, an image.
        constants: arrays, or shapes of random numbers. The name `_` is an input that is left out.
    """
    shapes, constants = shapes or {"x": IMAGE}, constants or {}
    nodes = attributes
    if isinstance(attributes, Mapping):
        read = [name.strip("_") for name in (*shapes, *constants)]
        nodes = [(operator, read, attributes)]
    return Case(operator, text, lambda: _file(nodes, shapes, constants), **facts)


def _file(nodes: Any, shapes: Mapping[str, Any], constants: Mapping[str, Any]) -> bytes:
    from onnx import TensorProto, helper, numpy_helper, shape_inference

    types = {"float32": TensorProto.FLOAT, "int32": TensorProto.INT32, "bool": TensorProto.BOOL}
    rng = np.random.default_rng(1)
    made, inputs, arrays = [], [], []
    for place, (kind, read, attributes) in enumerate(nodes):
        output = "y" if place == len(nodes) - 1 else f"{place}"
        outputs = [output, *attributes.get("also", ())]
        set_ = {name: value for name, value in attributes.items() if name != "also"}
        made.append(helper.make_node(kind, read, outputs, **set_))
    for name, given in shapes.items():
        shape, kind = given if isinstance(given[0], tuple) else (given, "float32")
        inputs.append(helper.make_tensor_value_info(name, types[kind], shape))
    for name, given in constants.items():
        if name != "_":
            random = isinstance(given, tuple)
            array = rng.normal(0, 1, given).astype("float32") if random else given
            arrays.append(numpy_helper.from_array(array, name))
    output = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph(made, "case", inputs, [output], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    named = shape_inference.infer_shapes(model, strict_mode=True)
    return named.SerializeToString()


def whole(*values: int) -> np.ndarray:
    """A constant of int64."""
    return np.array(values, "int64")


def number(value: float) -> np.ndarray:
    """A constant of float32 without axes."""
    return np.array(value, "float32")
