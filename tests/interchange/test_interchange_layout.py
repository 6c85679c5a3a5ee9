"""Reshapes that move no data: stored axes split and join, against NumPy's own reshape."""

import numpy as np
import pytest
from onnx_files import check, weights, whole
from test_interchange_normalizations import names, net

from keras_upsample.interchange._regroup import regrouped

SHAPES = [  # before, after, in how many orders of what is stored data must move
    ((1, 6, 4, 5), (1, 6, 20), 3),
    ((1, 6, 20), (1, 6, 4, 5), 0),
    ((1, 12, 20), (1, 3, 4, 20), 0),
    ((1, 20, 12), (1, 4, 5, 2, 6), 0),
    ((1, 4, 6), (1, 8, 3), 1),
    ((1, 6, 1, 4), (1, 6, 4), 0),
    ((1, 6, 4), (6, 4), 0),
    ((1, 4, 3, 4), (12, 4), 3),
    ((7, 1, 12), (7, 3, 4), 0),
    ((1, 2, 3, 4, 5), (2, 3, 20), 12),
    ((1, 1, 6), (1, 1, 1, 6), 0),
]


def numpys(stored, order, shape):
    """A stored tensor as ONNX has it: parts in the order of the axes, the batch last of its own."""
    places = sorted(range(len(order)), key=lambda place: (order[place], place))
    return stored.transpose(places).reshape(shape)


@pytest.mark.parametrize("before, after, moves", SHAPES, ids=str)
def test_regrouped_tensors_hold_numpys_reshape(before, after, moves):
    """In every order in which the axes of the tensor may be stored."""
    from itertools import permutations

    x = weights(*before)
    batch = before.index(1)
    rest = [axis for axis in range(len(before)) if axis != batch]
    moved = 0
    for places in permutations(rest):
        order = (batch, *places)
        stored = x.transpose(order)
        found = regrouped(stored.shape, order, after, batch)
        if found is None:
            moved += 1
            continue
        lengths, new_order = found
        assert lengths[0] == 1 and len(lengths) == len(new_order)
        np.testing.assert_array_equal(
            numpys(stored.reshape(lengths), new_order, after), x.reshape(after)
        )
    assert moved == moves


def test_tokens_lie_as_the_image_that_they_are(tmp_path):
    """(N, C, H, W) to tokens (N, HW, C), a matrix, and back: no data move."""
    nodes = [
        ("Reshape", ["x", "flat"], ["a"], {}),
        ("Transpose", ["a"], ["tokens"], {"perm": [0, 2, 1]}),
        ("MatMul", ["tokens", "matrix"], ["b"], {}),
        ("Add", ["b", "tokens"], ["c"], {}),
        ("Transpose", ["c"], ["d"], {"perm": [0, 2, 1]}),
        ("Reshape", ["d", "image"], ["y"], {}),
    ]
    constants = {"flat": whole(1, 6, 20), "matrix": weights(6, 6), "image": whole(1, 6, 5, 4)}
    model = check(net(tmp_path, nodes, constants))
    assert names(model) == ["Dense", "Add"]


def test_an_axis_that_the_batch_shares(tmp_path):
    """(tokens, 1, C) -> (heads, tokens, C / heads), as torch's MultiheadAttention has it, two
    images at once."""
    nodes = [
        ("Transpose", ["x"], ["a"], {"perm": [1, 0, 2]}),
        ("Reshape", ["a", "heads"], ["b"], {}),
        ("Transpose", ["b"], ["c"], {"perm": [1, 0, 2]}),
        ("Softmax", ["c"], ["d"], {"axis": 1}),
        ("Transpose", ["d"], ["e"], {"perm": [1, 0, 2]}),
        ("Reshape", ["e", "joined"], ["f"], {}),
        ("Reshape", ["f", "back"], ["g"], {}),
        ("Transpose", ["g"], ["y"], {"perm": [1, 0, 2]}),
    ]
    constants = {"heads": whole(7, 3, 4), "joined": whole(7, 12), "back": whole(7, 1, 12)}
    model = check(net(tmp_path, nodes, constants, shape=(1, 7, 12)))
    two = weights(2, 7, 12)
    one_by_one = np.concatenate([model(two[:1]), model(two[1:])])
    np.testing.assert_allclose(model(two), one_by_one, atol=1e-6)
    assert "Transpose" not in names(model)
