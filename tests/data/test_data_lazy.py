"""Sequences whose items are made when they are asked for."""

import numpy as np
import pytest

from keras_upsample.data._lazy import Lazy


def test_items_are_made_on_demand():
    made = []

    def make(i):
        made.append(i)
        return np.full(2, i)

    items = Lazy(make, 5)
    assert (len(items), made) == (5, [])
    assert [items[2][0], items[-1][0], items[np.int64(0)][0]] == [2, 4, 0]
    assert made == [2, 4, 0]
    assert [item[0] for item in items] == [0, 1, 2, 3, 4]
    assert [item[0] for item in items[3:0:-2]] == [3, 1]
    with pytest.raises(IndexError):
        items[5]
    with pytest.raises(TypeError):
        items["a"]
