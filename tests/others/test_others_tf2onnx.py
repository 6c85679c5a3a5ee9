"""What is used of tf2onnx beside its public names still is what we take it for."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
import tf2onnx
from checked import of
from tf2onnx.graph import Graph

from keras_upsample._others import _tf2onnx


def onnx_of(function: Callable, *shapes: tuple[int | None, ...], dtype: str, **options: Any) -> Any:
    specs = [tf.TensorSpec(shape, dtype) for shape in shapes]
    model, _ = tf2onnx.convert.from_function(
        tf.function(function, autograph=False), input_signature=specs, opset=18, **options
    )
    return model


def answer(model: Any, *inputs: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [tensor.name for tensor in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))[0]


KERNEL_3D = np.arange(24, dtype="float32").reshape(2, 1, 2, 2, 3)
KERNEL_2D = np.arange(24, dtype="float32").reshape(2, 2, 3, 2)
WRITTEN: dict[str, tuple[Callable, tuple[int, ...]]] = {
    "Conv3D": (lambda x: tf.nn.conv3d(x, KERNEL_3D, [1, 1, 2, 1, 1], "SAME"), (1, 3, 4, 4, 2)),
    "Conv2DBackpropInput": (
        lambda x: tf.nn.conv2d_transpose(x, KERNEL_2D, (1, 6, 8, 3), 2),
        (1, 3, 4, 2),
    ),
    "Einsum": (lambda x: tf.einsum("ab,bc->c", x, tf.ones((3, 2))), (4, 3)),
    "FloorDiv": (lambda x: tf.math.floordiv(x, 3.0), (4, 3)),
    "FloorMod": (lambda x: tf.math.floormod(x, 7.0), (4, 3)),
    "Reshape": (lambda x: tf.reshape(x, (3, 4)) + 1.0, (4, 3)),
    "StridedSlice": (lambda x: x[1:, ::-1] * 2.0, (4, 3)),
}


@of("tf2onnx")
@pytest.mark.parametrize("operator", WRITTEN)
def test_write_as_usual(operator: str):
    function, shape = WRITTEN[operator]
    seen = []

    def handler(ctx: Any, node: Any, name: str, args: list) -> None:
        seen.append(node.type)
        _tf2onnx.write_as_usual(operator, ctx, node)

    model = onnx_of(function, shape, dtype="float32", custom_op_handlers={operator: (handler, [])})
    assert set(seen) == {operator}
    x = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    np.testing.assert_allclose(answer(model, x), function(tf.constant(x)), rtol=1e-6)


@of("tf2onnx")
def test_new_name():
    first, second = _tf2onnx.new_name("constant"), _tf2onnx.new_name("constant")
    assert first != second
    assert first.startswith("constant")
    assert second.startswith("constant")


@of("tf2onnx")
def test_optimizers(monkeypatch: pytest.MonkeyPatch):
    reshapes, graphs = [], []

    def leaves(node: Any, graph: Any) -> bool:
        reshapes.append((node.type, node.output[0] in graph.outputs))
        return True

    def ending(graph: Any) -> None:
        graphs.append({node.type for node in graph.get_nodes()})

    def function(x: Any) -> Any:
        y = tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[1] * 3]) * 2.0
        return tf.transpose(y, (1, 0))

    given = _tf2onnx.optimizers()
    assert next(iter(given)) == "optimize_transpose"
    monkeypatch.setitem(given, "reshape_optimizer", _tf2onnx.reshape_optimizer(leaves))
    monkeypatch.setitem(given, "optimize_transpose", _tf2onnx.transpose_optimizer(ending))
    model = onnx_of(function, (None, None, 3), dtype="float32")
    assert reshapes
    assert set(reshapes) == {("Reshape", False)}
    assert graphs
    assert "Reshape" in graphs[0]
    x = np.arange(12, dtype="float32").reshape(2, 2, 3)
    np.testing.assert_array_equal(answer(model, x), function(tf.constant(x)))


@of("tf2onnx")
def test_a_graph_is_sorted_once_for_all_constants_that_are_reshaped(monkeypatch):
    """tf2onnx reshapes the kernel of each depthwise convolution."""
    kernels = [np.random.default_rng(i).random((3, 3, 2, 1), "float32") for i in range(5)]

    def function(x: Any) -> Any:
        for kernel in kernels:
            x = tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "SAME")
        return x

    sorts, plain = [], Graph.topological_sort

    def counted(graph: Any, nodes: Any) -> None:
        sorts.append(len(nodes))
        plain(graph, nodes)

    monkeypatch.setattr(Graph, "topological_sort", counted)
    usual, before = onnx_of(function, (1, 6, 5, 2), dtype="float32"), len(sorts)
    table = _tf2onnx.optimizers()
    transposes = _tf2onnx.transpose_optimizer(lambda graph: None)
    monkeypatch.setitem(table, "optimize_transpose", transposes)
    ours = onnx_of(function, (1, 6, 5, 2), dtype="float32")
    assert len(sorts) - before <= before - 4
    assert [n.op_type for n in ours.graph.node] == [n.op_type for n in usual.graph.node]
    x = np.random.default_rng(9).random((1, 6, 5, 2), "float32")
    np.testing.assert_array_equal(answer(ours, x), answer(usual, x))
    np.testing.assert_allclose(answer(ours, x), function(x), rtol=1e-6)


@of("tf2onnx")
def test_without_copies(monkeypatch: pytest.MonkeyPatch):
    """One graph goes through all optimisers, and the first that fails ends the conversion."""
    table, seen = _tf2onnx.optimizers(), []

    class Looks:
        graph_been_opt = False

        def optimize(self, graph: Any, iteration: int) -> Any:
            seen.append(graph)
            return graph

    class Fails(Looks):
        def optimize(self, graph: Any, iteration: int) -> Any:
            raise ValueError("an error of an optimiser")

    def function(x: Any) -> Any:
        return x * 2.0 + 1.0

    for name in ("first", "second"):
        monkeypatch.setitem(table, name, Looks)
    before = dict(table)
    onnx_of(function, (2,), dtype="float32")
    assert len({id(graph) for graph in seen}) == len(seen)  # the copies
    seen.clear()
    with _tf2onnx.without_copies():
        onnx_of(function, (2,), dtype="float32")
    assert len({id(graph) for graph in seen}) == 1
    assert dict(table) == before
    assert "TF2ONNX_CATCH_ERRORS" not in os.environ
    monkeypatch.setitem(table, "second", Fails)
    monkeypatch.setenv("TF2ONNX_CATCH_ERRORS", "TRUE")
    with pytest.raises(_tf2onnx.OptimizerError, match="an error of"), _tf2onnx.without_copies():
        onnx_of(function, (2,), dtype="float32")
    assert os.environ["TF2ONNX_CATCH_ERRORS"] == "TRUE"
