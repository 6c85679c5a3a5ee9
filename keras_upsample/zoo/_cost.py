"""Multiply-adds of one inference, counted on the model's TensorFlow graph."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from keras_upsample._others import _tensorflow
from keras_upsample.ops import resize_forms


def multiply_adds(model: Any, input_shape: Sequence[int] | None = None) -> int:
    """Count the multiplications, each with its addition, of one inference at batch 1.

    The graph is traced at a static size and every operator that multiplies by weights (or two
    tensors with one another) is counted; padding counts as if it were data, as in the papers:

        convolution             N * H_out * W_out * C_out * kh * kw * C_in / groups
        depthwise convolution   N * H_out * W_out * C_out * kh * kw
        transposed convolution  N * H_in  * W_in  * C_in  * kh * kw * C_out
        matrix product          batch * rows * inner * columns
        einsum                  product of the sizes of all its indices

    A 3x3 convolution from 8 to 16 channels on 4x4 pixels: 4 * 4 * 16 * 9 * 8 = 18,432. Not
    counted: resizing, pooling, normalization, activations, additions.

    Args:
        model: Any Keras model with one input, on the TensorFlow backend.
        input_shape: (height, width, channels), or another input shape of the model, without the
            batch. None for the model's own, which must then be static.

    Returns:
        The number of multiply-adds.

    Raises:
        ValueError: If the size is not static, or the model has several inputs.
    """
    inputs = model.inputs
    if len(inputs) != 1:
        raise ValueError(
            f"`model` must have one input. {model.name!r} has {len(inputs)}: "
            f"{[tensor.name for tensor in inputs]}."
        )
    shape = tuple(inputs[0].shape[1:] if input_shape is None else input_shape)
    if None in shape:
        raise ValueError(
            f"`input_shape` must be static to count operations. Received: {shape!r}. Pass, say, "
            "input_shape=(256, 256, 3)."
        )
    found = operations_at(model, shape)
    return sum(_COUNTERS[op.type](op) for op in found if op.type in _COUNTERS)


def operations_at(model: Any, shape: Sequence[int]) -> Iterator[Any]:
    """The operators of a model's TensorFlow graph, traced (not run) at one size, batch 1."""
    import tensorflow as tf

    dtype = keras.backend.standardize_dtype(model.inputs[0].dtype)
    specification = tf.TensorSpec((1, *shape), dtype)

    def inference(x: Any) -> Any:
        # A tf.function inside the model may have been traced at an unknown size already; run
        # "eagerly" while this graph is being traced, it becomes part of this graph.
        # A resize by matrices is one still, and not to be counted as a product.
        forms = resize_forms({"lanczos": ("taps",), "area": ("operator", "taps")})
        with _tensorflow.inline_functions(), forms:
            return model(x, training=False)

    traced = tf.function(inference, autograph=False).get_concrete_function(specification)
    return _operations(traced.graph)


def _operations(graph: Any) -> Iterator[Any]:
    """The operators of a graph and, where they are called, of its functions."""
    for op in graph.get_operations():
        yield op
        if op.type in ("PartitionedCall", "StatefulPartitionedCall"):
            yield from _operations(_tensorflow.graph_of_function(graph, op.get_attr("f").name))


def _shape(tensor: Any, op: Any) -> tuple[int, ...]:
    if not tensor.shape.is_fully_defined():
        raise ValueError(f"The size of {op.name} ({op.type}) is not static: {tensor.shape}.")
    return tuple(tensor.shape.as_list())


def _result(op: Any) -> int:
    """Numbers that a convolution gives.

    TensorFlow writes a dilated one as SpaceToBatchND, convolution, BatchToSpaceND; the last cuts
    off what the first had to pad.
    """
    takers = op.outputs[0].consumers()
    if len(takers) == 1 and takers[0].type == "BatchToSpaceND":
        return math.prod(_shape(takers[0].outputs[0], op))
    return math.prod(_shape(op.outputs[0], op))


def _convolution(op: Any) -> int:
    kernel = _shape(op.inputs[1], op)  # (kh, kw, C_in / groups, C_out)
    return _result(op) * math.prod(kernel[:-1])


def _depthwise(op: Any) -> int:
    kernel = _shape(op.inputs[1], op)  # (kh, kw, C_in, multiplier)
    return _result(op) * math.prod(kernel[:2])


def _count_transposed(op: Any) -> int:
    kernel = _shape(op.inputs[1], op)  # (kh, kw, C_out, C_in)
    return math.prod(_shape(op.inputs[2], op)) * math.prod(kernel[:-1])


def _product(op: Any) -> int:
    first = _shape(op.inputs[0], op)
    flag = "transpose_a" if op.type == "MatMul" else "adj_x"
    inner = first[-2] if op.get_attr(flag) else first[-1]
    return math.prod(_shape(op.outputs[0], op)) * inner


def _einsum(op: Any) -> int:
    sizes: dict[str, int] = {}
    terms = op.get_attr("equation").decode().split("->")[0].split(",")
    for term, tensor in zip(terms, op.inputs, strict=True):
        # An ellipsis stands for the leading axes that the letters leave over.
        shape = _shape(tensor, op)
        before, dots, after = term.partition("...")
        spare = len(shape) - len(before) - len(after) if dots else 0
        axes = [*before, *(f"...{i}" for i in range(spare, 0, -1)), *after]
        for axis, size in zip(axes, shape, strict=True):
            sizes[axis] = max(size, sizes.get(axis, 1))
    return math.prod(sizes.values())


_COUNTERS: dict[str, Callable[[Any], int]] = {
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "Conv2DBackpropInput": _count_transposed,
    "MatMul": _product,
    "BatchMatMul": _product,
    "BatchMatMulV2": _product,
    "BatchMatMulV3": _product,
    "Einsum": _einsum,
}
