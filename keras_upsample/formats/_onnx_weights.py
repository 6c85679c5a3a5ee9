"""Large weights, which bypass tf2onnx.

tf2onnx copies every constant several times: a model of 31 million parameters took 28 s and 8 GB.
Large weights are therefore traced as inputs of the graph, and become constants of the ONNX file
afterwards, with the transpositions that tf2onnx put behind them computed here, and with the
multiplication and addition that a batch normalisation left behind a convolution folded into it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_LARGE = 4096  # elements
_PREFIX = "lifted_weight_"


def large_weights(model: Any) -> list[Any]:
    """The Keras variables worth lifting out: float32 kernels of at least 4,096 elements."""
    return [
        weight
        for weight in model.variables
        if len(weight.shape) >= 2 and np.prod(weight.shape) >= _LARGE and weight.dtype == "float32"
    ]


def weight_specs(weights: Sequence[Any]) -> list[Any]:
    """One `tf.TensorSpec` a weight."""
    import tensorflow as tf

    return [
        tf.TensorSpec(tuple(weight.shape), tf.float32, name=f"{_PREFIX}{index}")
        for index, weight in enumerate(weights)
    ]


def lifted_arrays(weights: Sequence[Any]) -> dict[str, np.ndarray]:
    """The weights' values by the names of the inputs that stand for them."""
    # Keras' own conversion, `np.asarray`, copies twice.
    return {f"{_PREFIX}{index}": weight.value.numpy() for index, weight in enumerate(weights)}


def lower_weights(proto: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Turn the inputs of an ONNX model named in `arrays` into constants, in place.

    Returns:
        The constants that its nodes now name and that it does not hold itself.
    """
    from onnx import numpy_helper

    graph = proto.graph
    lifted = {value.name for value in graph.input if value.name in arrays}
    _delete(graph.input, lambda value: value.name in lifted)
    constants = {name: arrays[name] for name in lifted}
    _fold_constants(proto, constants)
    small = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    _fold_affine(graph, constants, small)
    used = {name for node in graph.node for name in node.input}
    used.update(value.name for value in graph.output)
    _delete(graph.initializer, lambda item: item.name not in used or item.name in constants)
    return {name: array for name, array in constants.items() if name in used}


def _delete(field: Any, wanted: Any) -> None:
    kept = [item for item in field if not wanted(item)]
    if len(kept) < len(field):
        del field[:]
        field.extend(kept)


def _fold_constants(proto: Any, constants: dict[str, np.ndarray]) -> None:
    """Compute what is made of the lifted weights alone; nodes come in topological order.

    Transpositions are views; a kernel of a dilated or grouped transposed convolution is also
    padded and cut.
    """
    from onnx import helper, numpy_helper

    graph = proto.graph
    small = {item.name: item for item in graph.initializer}
    done = set()
    for node in graph.node:
        inputs = [name for name in node.input if name]
        known = all(name in constants or name in small for name in inputs)
        if not known or not any(name in constants for name in inputs):
            continue
        if node.op_type == "Transpose":
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            values = [constants[node.input[0]].transpose(attributes.get("perm"))]
        else:
            others = {n: numpy_helper.to_array(small[n]) for n in inputs if n not in constants}
            feeds = {n: constants[n] for n in inputs if n in constants} | others
            try:
                values = _evaluate(node, feeds, proto)
            except Exception:  # an operator that onnx itself can't compute stays in the file
                continue
        constants.update(zip(node.output, values, strict=True))
        done.add(node.output[0])
    _delete(graph.node, lambda node: bool(node.output) and node.output[0] in done)


def _evaluate(node: Any, feeds: Mapping[str, np.ndarray], proto: Any) -> list[np.ndarray]:
    """The outputs of one node, by onnx' own reference implementation."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
        )
        for name, value in feeds.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "constant", inputs, outputs)
    model = helper.make_model(graph, opset_imports=proto.opset_import)
    return list(ReferenceEvaluator(model).run(None, dict(feeds)))


def _fold_affine(graph: Any, large: dict[str, np.ndarray], small: dict[str, np.ndarray]) -> None:
    """Conv(x, W, b) * s + t = Conv(x, W s, b s + t), s and t one number an output channel."""
    consumers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    outputs = {value.name for value in graph.output}
    folded = set()
    for node in graph.node:
        if node.op_type not in ("Conv", "ConvTranspose") or not _sole(
            node, consumers, large, small
        ):
            continue
        while True:
            following = consumers.get(node.output[0], [])
            if len(following) != 1 or node.output[0] in outputs:
                break
            step = following[0]
            if not _absorb(node, step, large, small):
                break
            folded.add(step.output[0])
            node.output[0] = step.output[0]
    _delete(
        graph.node,
        lambda node: node.op_type in ("Mul", "Add", "Sub") and node.output[0] in folded,
    )


def _sole(
    node: Any,
    consumers: dict[str, list[Any]],
    large: dict[str, np.ndarray],
    small: dict[str, np.ndarray],
) -> bool:
    """Whether the kernel and bias are constants that no other node uses."""
    kernel, *bias = node.input[1:]
    known = kernel in large or kernel in small
    return (
        known
        and len(consumers[kernel]) == 1
        and all(name in small and len(consumers[name]) == 1 for name in bias)
    )


def _absorb(
    node: Any,
    step: Any,
    large: dict[str, np.ndarray],
    small: dict[str, np.ndarray],
) -> bool:
    """Fold one Mul, Add or Sub with a constant a channel into the convolution, if it is one."""
    if step.op_type not in ("Mul", "Add", "Sub"):
        return False
    if step.op_type == "Sub" and step.input[0] != node.output[0]:
        return False
    other = [name for name in step.input if name != node.output[0]]
    if len(other) != 1 or other[0] not in small:
        return False
    kernel = large.get(node.input[1], small.get(node.input[1]))
    axis = 0 if node.op_type == "Conv" else 1
    groups = next((a.i for a in node.attribute if a.name == "group"), 1)
    if kernel is None or (axis == 1 and groups != 1):
        return False
    values = _per_channel(small[other[0]], kernel.shape[axis])
    if values is None:
        return False
    bias = small[node.input[2]] if len(node.input) > 2 else np.zeros_like(values)
    if step.op_type == "Mul":
        shape = [1] * kernel.ndim
        shape[axis] = -1
        kernel, bias = kernel * values.reshape(shape), bias * values
    else:
        bias = bias + (values if step.op_type == "Add" else -values)
    # New names: the old constants may serve other nodes too.
    _rename_constant(node, 1, f"{step.output[0]}_kernel", kernel, large)
    if len(node.input) < 3:
        node.input.append("")
    _rename_constant(node, 2, f"{step.output[0]}_bias", bias, large)
    small[node.input[2]] = bias
    return True


def _rename_constant(
    node: Any, position: int, name: str, array: np.ndarray, large: dict[str, np.ndarray]
) -> None:
    large.pop(node.input[position], None)
    node.input[position] = name
    large[name] = array.astype(np.float32, copy=False)


def _per_channel(values: np.ndarray, channels: int) -> np.ndarray | None:
    """The constant as one number a channel of (N, C, H, W), or None if it is not that."""
    if values.dtype != np.float32:
        return None
    if values.size == 1:
        return np.full(channels, values.reshape(-1)[0], np.float32)
    shape = (1,) * (4 - values.ndim) + values.shape
    return values.reshape(-1) if shape == (1, channels, 1, 1) else None
