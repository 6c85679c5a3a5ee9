"""Inputs that are outputs too, that nothing reads, or that share a name with an output."""

import keras
import numpy as np
import pytest
from exporting import FORMATS, answers, distinctive, noise, picture, write
from keras import layers


def models():
    a, b = keras.Input((9, 7, 3), name="a"), keras.Input((9, 7, 1), name="b")
    x = keras.Input((9, 7, 3), name="x")
    scores, other = layers.Conv2D(2, 1, name="scores")(a), layers.Conv2D(3, 1, name="y")(x)
    return {
        "handed through": keras.Model([a, b], [scores, b]),
        "first": keras.Model([a, b], [b, scores]),
        "not used": keras.Model([a, b], scores),
        "twice": keras.Model(a, {"p": scores, "q": scores}),
        "input twice": keras.Model(a, {"p": scores, "q": a, "r": a}),
        "in two places": keras.Model(x, [other, layers.ReLU(name="r")(other), other]),
        "input in two places": keras.Model(a, [a, scores, a, layers.Flatten(name="f")(a)]),
        "one name": keras.Model({"x": x}, {"x": other}),
        "one name, both": keras.Model({"x": x}, {"x": other, "x_output": x}),
        "named and handed through": keras.Model({"x": x}, {"x": x, "y": other}),
    }


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", models())
def test_every_output_by_place(name, kind, lower, tmp_path):
    model = distinctive(models()[name])
    path = write(model, tmp_path, kind, images=picture(9, 7), lower=lower)
    feeds = {t.name: noise(1, *t.shape[1:], seed=k) for k, t in enumerate(model.inputs)}
    given = feeds if isinstance(model._inputs_struct, dict) else list(feeds.values())
    expected = model(given)
    if isinstance(expected, dict):
        expected = [expected[key] for key in sorted(expected)]
    found = answers(path, feeds)
    assert len(found) == len(keras.tree.flatten(expected))
    for value, wanted in zip(found.values(), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(value, np.asarray(wanted), atol=1e-5)
    if kind == "onnx":
        assert not set(found) & set(feeds)
