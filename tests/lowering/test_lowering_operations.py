"""The table of operations in two directions: what is written is read, and computes the equation."""

from typing import Any

import keras
import numpy as np
import pytest
import reference
from compare import assert_close
from lowering_checks import convolved, model_of, noise

from keras_upsample.program._array_operations import Gather, MatrixProduct, Reduction, Transpose
from keras_upsample.program._emit import Emitter
from keras_upsample.program._graph import Graph, Tensor
from keras_upsample.program._keras_table import TABLE, operation_of
from keras_upsample.program._keras_writer import writable
from keras_upsample.program._operations import (
    Activation,
    Affine,
    Concatenation,
    Convolution,
    Crop,
    Dense,
    Difference,
    Interleaving,
    OfOne,
    Opaque,
    Pool,
    Product,
    Reshape,
    Resize,
    Shuffle,
    Softmax,
    Sum,
    Transposed,
    Unshuffle,
    ZeroPadding,
)
from keras_upsample.program._read import graph_of
from keras_upsample.program._resize_like import ResizeLike
from keras_upsample.program._signature import signature_of
from keras_upsample.program._write import model_of as write_model

SHAPE = (5, 6, 4)
X = noise(2, *SHAPE)
Y = noise(2, *SHAPE, seed=4)
A = Tensor(keras.KerasTensor((None, *SHAPE)))
B = Tensor(keras.KerasTensor((None, *SHAPE)))
C = Tensor(keras.KerasTensor((None, 5, 4, 6)))  # takes B transposed
KERNEL = np.random.default_rng(1).normal(size=(3, 2, 4, 3)).astype("float32")
BIAS = np.random.default_rng(2).normal(size=3).astype("float32")
SCALE, SHIFT = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.0, 1.0, -1.0, 2.0])


def windows(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """(N, rows, columns, C, size * size), of whole windows."""
    n, height, width, channels = x.shape
    rows, columns = ((k - size) // stride + 1 for k in (height, width))
    found = np.empty((n, rows, columns, channels, size * size), x.dtype)
    for i in range(rows):
        for j in range(columns):
            window = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
            found[:, i, j] = window.reshape(n, size * size, channels).transpose(0, 2, 1)
    return found


def blocks(x: np.ndarray, scale: int) -> np.ndarray:
    """Space to depth, plainly."""
    n, height, width, channels = x.shape
    found = np.empty((n, height // scale, width // scale, scale * scale * channels), x.dtype)
    for a in range(scale):
        for b in range(scale):
            begin = (a * scale + b) * channels
            found[..., begin : begin + channels] = x[:, a::scale, b::scale]
    return found


EVEN = Tensor(keras.KerasTensor((None, 4, 6, 4)))

# operation, what it computes of X (cut to its input), and Y
CASES: dict[str, tuple[Any, Any]] = {
    "convolution": (
        Convolution(A, KERNEL, BIAS, keras.activations.relu, (2, 1), ((1, 0), (2, 1))),
        lambda x, y: np.maximum(convolved(x, KERNEL, BIAS, ((1, 0), (2, 1)), (2, 1)), 0),
    ),
    "transposed": (
        Transposed(A, KERNEL.transpose(0, 1, 3, 2), BIAS, None, (2, 2), ((0, 1), (0, 0))),
        lambda x, y: reference.transposed_conv(
            x, KERNEL.transpose(0, 1, 3, 2), (2, 2), ((0, 1), (0, 0)), BIAS
        ),
    ),
    "dense": (Dense(A, KERNEL[0, 0], BIAS), lambda x, y: x @ KERNEL[0, 0] + BIAS),
    "affine by channel": (Affine(A, SCALE, SHIFT), lambda x, y: x * SCALE + SHIFT),
    "affine": (Affine(A, np.full(4, 2.0), np.full(4, -1.0)), lambda x, y: 2 * x - 1),
    "activation": (Activation(A, keras.activations.tanh), lambda x, y: np.tanh(x)),
    "softmax": (Softmax(A), lambda x, y: reference.softmax(x)),
    "nearest": (
        Resize(A, "nearest", (2, 3)),
        lambda x, y: x.repeat(2, axis=1).repeat(3, axis=2),
    ),
    "resize like": (
        ResizeLike([EVEN, B], "bilinear", "align_corners"),
        lambda x, y: reference.resize(x[:, :4], "bilinear", (5, 6), "align_corners"),
    ),
    "shuffle": (
        Shuffle(A, 2),
        lambda x, y: (
            x.reshape(-1, 5, 6, 2, 2, 1).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 10, 12, 1)
        ),
    ),
    "unshuffle": (Unshuffle(EVEN, 2), lambda x, y: blocks(x[:, :4], 2)),
    "largest": (
        Pool(A, "max", (2, 2), (1, 1)),
        lambda x, y: windows(x, 2, 1).max(axis=-1),
    ),
    "mean": (Pool(A, "mean", (3, 3), (2, 2)), lambda x, y: windows(x, 3, 2).mean(axis=-1)),
    "zeros": (
        ZeroPadding(A, ((1, 0), (2, 3))),
        lambda x, y: np.pad(x, ((0, 0), (1, 0), (2, 3), (0, 0))),
    ),
    "crop": (Crop(A, ((1, 0), (2, 1))), lambda x, y: x[:, 1:, 2:-1]),
    "reshape": (Reshape(A, (10, 12)), lambda x, y: x.reshape(-1, 10, 12)),
    "concatenation": (
        Concatenation([A, B]),
        lambda x, y: np.concatenate([x, y], axis=3),
    ),
    "sum": (Sum([A, B]), lambda x, y: x + y),
    "difference": (Difference([A, B]), lambda x, y: x - y),
    "product": (Product([A, B]), lambda x, y: x * y),
    "transpose": (Transpose(A, (0, 3, 1, 2)), lambda x, y: x.transpose(0, 3, 1, 2)),
    "mean of pixels": (
        Reduction(A, "mean", (1, 2), True),
        lambda x, y: x.mean((1, 2), keepdims=True),
    ),
    "largest of channels": (Reduction(A, "max", (3,)), lambda x, y: x.max(axis=3)),
    "sum of rows": (Reduction(A, "sum", (1,)), lambda x, y: x.sum(axis=1)),
    "least": (Reduction(A, "min", (1, 2, 3)), lambda x, y: x.min(axis=(1, 2, 3))),
    "product of matrices": (
        MatrixProduct([A, C]),
        lambda x, y: np.einsum("nijk,nikl->nijl", x, y.transpose(0, 1, 3, 2)),
    ),
    "gather": (Gather(A, np.array([3, 0, 0]), 3), lambda x, y: x[..., [3, 0, 0]]),
    "interleaving": (
        Interleaving([A], (2, 2)),
        lambda x, y: (
            x.reshape(-1, 5, 6, 2, 2, 1).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 10, 12, 1)
        ),
    ),
}


def written(operation: Any) -> Any:
    """A Keras model of one operation, and the tensors that it reads."""
    like = keras.layers.Activation("relu", name="like")
    inputs = [operation.x] if isinstance(operation, OfOne) else list(operation.parts)
    y = Emitter(like, ()).write(operation)
    return write_model(Graph(inputs, [y], y), [f"x{i}" for i in range(len(inputs))], "net")


def test_every_kind_has_a_case() -> None:
    assert {type(operation) for operation, _ in CASES.values()} == set(TABLE)


@pytest.mark.parametrize("name", CASES)
def test_written_it_computes_the_equation(name: str) -> None:
    operation, expected = CASES[name]
    assert writable(operation)
    model = written(operation)
    feeds = [X, Y][: len(model.inputs)]
    feeds[0] = feeds[0][:, : model.inputs[0].shape[1]]
    if name == "product of matrices":
        feeds[1] = Y.transpose(0, 1, 3, 2)
    given = np.asarray(model(feeds if len(feeds) > 1 else feeds[0]))
    assert_close(given, expected(X.astype("float64"), Y.astype("float64")), of_range=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_written_it_is_read_again(name: str) -> None:
    operation, _ = CASES[name]
    model = written(operation)
    graph = graph_of(model, signature_of(model))
    found = operation_of(graph.outputs[0].node)  # type: ignore[arg-type]
    assert type(found) is type(operation)
    for field in vars(operation):
        if field in ("x", "parts"):
            continue
        before, after = getattr(operation, field), getattr(found, field)
        if isinstance(before, np.ndarray) or hasattr(before, "value"):
            np.testing.assert_array_equal(np.asarray(before), np.asarray(after), err_msg=field)
        elif field == "pads" and name == "convolution":
            assert after == ((0, 0), (0, 0))  # which lie in the layer before it
        elif field == "axis":
            assert before % 4 == after % 4
        else:
            assert before == after, field


def test_what_changes_nothing_needs_no_layer() -> None:
    emit = Emitter(keras.layers.Activation("relu"), ())
    none = ((0, 0), (0, 0))
    for operation in (
        Activation(A, None),
        Affine(A, np.ones(4), np.zeros(4)),
        Crop(A, none),
        ZeroPadding(A, none),
        Shuffle(A, 1),
        Unshuffle(A, 1),
        Resize(A, "nearest", (1, 1)),
        Concatenation([A]),
        Transpose(A, (0, 1, 2, 3)),
        Sum([A]),
    ):
        assert emit.write(operation) is A  # type: ignore[arg-type]


def test_what_no_name_is_known_for_passes() -> None:
    model = model_of(keras.layers.UnitNormalization(name="own"), *SHAPE)
    graph = graph_of(model, signature_of(model))
    node = graph.outputs[0].node
    assert node is not None
    assert operation_of(node) == Opaque(node.inputs)
    same = write_model(graph, ["image"], "net")
    np.testing.assert_array_equal(np.asarray(same(X)), np.asarray(model(X)))


def test_what_no_layer_computes_is_known() -> None:
    kernel = KERNEL.transpose(0, 1, 3, 2)
    assert not writable(Transposed(A, kernel, scale=(2, 2), crop=((-1, 0), (0, 0))))
    assert not writable(Resize(A, "bicubic", (2, 2)))
    assert not writable(Resize(A, "bilinear", None))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (keras.layers.Permute((3, 1, 2)), Transpose(A, (0, 3, 1, 2))),
        (keras.layers.GlobalAveragePooling2D(), Reduction(A, "mean", (1, 2))),
        (keras.layers.GlobalMaxPooling2D(keepdims=True), Reduction(A, "max", (1, 2), True)),
        (lambda x: keras.ops.sum(x, axis=-1), Reduction(A, "sum", (3,))),
        (lambda x: keras.ops.transpose(x), Transpose(A, (3, 2, 1, 0))),
        (lambda x: keras.ops.take(x, [1, 2], axis=-1), Gather(A, np.array([1, 2]), 3)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_layers_and_operations_are_read_alike(layer: Any, expected: Any) -> None:
    x = keras.Input(SHAPE)
    graph = graph_of(model := keras.Model(x, layer(x)), signature_of(model))
    node = graph.outputs[0].node
    assert node is not None
    found = operation_of(node)
    assert isinstance(found, type(expected)) and found.x is node.inputs[0]
    for name, value in vars(expected).items():
        if name != "x":
            np.testing.assert_array_equal(getattr(found, name), value)
