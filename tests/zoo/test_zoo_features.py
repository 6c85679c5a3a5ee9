"""Which tensors of a graph are the features at each stride: small nets whose answer is known."""

import keras
import pytest
from keras import layers as k

from keras_upsample.program._input_shape import InputSpec
from keras_upsample.program._read import graph_of
from keras_upsample.program._signature import Signature
from keras_upsample.zoo._features import SIZES, find_features


def conv(x, name, filters=4, strides=1, padding="same", size=3):
    return k.Conv2D(filters, size, strides=strides, padding=padding, name=name)(x)


def found(outputs, image, sizes=SIZES):
    model = keras.Model(image, outputs)
    spec = InputSpec("image", (1, *sizes[0], 3), "float32")
    graph = graph_of(model, Signature((spec,), None))
    features = find_features(graph, graph.inputs[0], sizes)
    return {stride: node.name for stride, node in features.nodes.items()}


@pytest.fixture
def image():
    return keras.Input((None, None, 3))


def test_a_chain(image):
    x = conv(image, "full")
    for stride in (2, 4, 8, 16, 32):
        x = conv(x, f"down{stride}", strides=2)
        x = conv(x, f"last{stride}")
    x = conv(x, "down64", strides=2)
    expected = {1: "full", **{s: f"last{s}" for s in (2, 4, 8, 16, 32)}}
    assert found(x, image) == expected


def test_scaling_the_image_is_no_feature(image):
    x = k.Rescaling(1 / 255)(image)
    assert found(conv(x, "half", strides=2), image) == {2: "half"}


def test_a_branch_of_the_next_stage_is_no_feature(image):
    # As in ResNet-50 v2 and Inception: both branches begin at the finer size.
    x = conv(image, "stage", strides=2)
    y = conv(conv(x, "narrow", 1), "branch", strides=2)
    z = k.MaxPooling2D(3, 2, padding="same", name="pool")(x)
    assert found(k.Concatenate(name="join")([y, z]), image) == {2: "stage", 4: "join"}


def test_where_something_leads_around_all_the_last_join_is_taken(image):
    # As in NASNet: every cell reads the two before it.
    a = conv(image, "a", strides=2)
    b = conv(image, "b", strides=2)
    c = k.Add(name="c")([conv(b, "c1"), conv(a, "c2")])
    # What fits an earlier tensor to a later cell joins too, but is less deep.
    fit = k.Concatenate(name="fit")([conv(image, "f1", strides=2), conv(image, "f2", strides=2)])
    d = k.Add(name="d")([conv(x, f"d{i}", strides=2) for i, x in enumerate((c, conv(b, "e"), fit))])
    assert found(d, image) == {2: "c", 4: "d"}


def test_a_decoder_is_no_encoder(image):
    a = conv(image, "a", strides=2)
    b = conv(a, "b", strides=2)
    up = k.UpSampling2D(2, name="up")(b)
    x = conv(k.Concatenate(name="join")([up, a]), "last")
    assert found(x, image) == {2: "a", 4: "b"}


def test_outputs_go_before_the_last_tensor(image):
    a = conv(image, "a", strides=2)
    b = conv(a, "b")
    c = conv(b, "c", strides=2)
    assert found(c, image) == {2: "b", 4: "c"}
    assert found([a, c], image) == {2: "a", 4: "c"}


def test_the_same_size_by_chance_at_one_size_is_none(image):
    wide = k.Resizing(8, 7, name="fixed")(conv(image, "wide"))
    assert found(wide, image, sizes=((256, 224),)) == {1: "wide", 32: "fixed"}
    assert found(wide, image) == {1: "wide"}


def test_patches_of_16_have_nothing_finer(image):
    x = conv(image, "patches", strides=16, padding="valid", size=16)
    assert found(x, image) == {16: "patches"}


def test_windows_that_lose_the_border_have_no_stride(image):
    x = conv(image, "half", strides=2, padding="valid")
    assert found(x, image) == {}
