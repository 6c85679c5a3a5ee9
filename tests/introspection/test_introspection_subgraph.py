"""The preprocessing subgraph, and the affine map that it computes, in graphs written by hand."""

import numpy as np
import pytest

from keras_upsample.introspection._affine import affine_of
from keras_upsample.introspection._subgraph import Node, last_activation, preprocessing_subgraph

FLIP = Node("moves", "Flip", ("x",), ("a",))
SCALE = Node("computes", "Mul", ("a", "factor"), ("b",))
CONVOLVE = Node("", "Conv", ("b", "w"), ("y",))

GRAPHS = {
    "read once": ([FLIP, SCALE, CONVOLVE], ("b", (0, 1), ("Mul",))),
    "a constant that is computed": (
        [Node("", "Sqrt", ("v",), ("factor",)), FLIP, SCALE, CONVOLVE],
        ("b", (0, 1, 2), ("Mul",)),
    ),
    "the size, read elsewhere": (
        [Node("sizes", "Shape", ("x",), ("s",)), FLIP, SCALE, CONVOLVE],
        ("b", (1, 2), ("Mul",)),
    ),
    "added to what the network makes of it": (
        [FLIP, SCALE, CONVOLVE, Node("computes", "Add", ("b", "y"), ("z",))],
        ("b", (0, 1), ("Mul",)),
    ),
    "read before it is scaled, too": (
        [FLIP, SCALE, CONVOLVE, Node("", "Conv", ("a", "w"), ("z",))],
        None,
    ),
    "another input comes in": (
        [Node("computes", "Add", ("x", "other"), ("b",)), CONVOLVE],
        None,
    ),
    "read as it is": ([Node("", "Conv", ("x", "w"), ("y",))], None),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_what_stands_between_an_input_and_the_network(name: str) -> None:
    nodes, expected = GRAPHS[name]
    found = preprocessing_subgraph(nodes, "x", {"other"}, {"y", "z"})
    assert (found and (found.end, found.nodes, found.names)) == expected


def test_last_activation_behind_a_resize() -> None:
    nodes = [
        Node("softmax", "Softmax", ("x",), ("a",)),
        Node("passes", "Resize", ("a", "size"), ("b",)),
        Node("moves", "Pad", ("b",), ("c",)),
    ]
    assert last_activation(nodes, "b") == "softmax"
    assert last_activation(nodes, "c") == last_activation(nodes, "x") == ""


def test_affine_map_by_running_it() -> None:
    matrix = np.array([[0, 2.0], [1, 0], [0, 3]])
    found = affine_of(lambda x: x @ matrix + [5, 6], (None, None, 7, 3), "float32")
    assert found is not None
    np.testing.assert_array_equal(found[0], matrix)
    np.testing.assert_array_equal(found[1], [5, 6])
    assert affine_of(np.square, (None, None, 7, 3), "float32") is None
