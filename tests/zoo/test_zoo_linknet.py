"""LinkNet: parameters of the paper, the links, other encoders."""

import keras
import numpy as np
import pytest

from keras_upsample import layers, zoo

SMALL = (4, 4, 5, 6)


def trained(filters, classes, channels=3):
    """Trained parameters of encoder and rest, counted block by block from the paper's figures."""

    def conv(size, inside, outside):  # without bias, with batch normalization
        return size * size * inside * outside + 2 * outside

    stem = filters[0]
    encoder = conv(7, channels, stem)
    for i, width in enumerate(filters):
        before = filters[i - 1] if i else stem
        encoder += conv(3, before, width) + 3 * conv(3, width, width)
        encoder += conv(1, before, width) if i else 0
    rest, inside = 0, filters[-1]
    for block, width in zip((4, 3, 2, 1), (*filters[-2::-1], stem), strict=True):
        inner = inside // 4
        bias = inner if block > 1 else 0  # of transposed convolutions
        rest += conv(1, inside, inner) + conv(3, inner, inner) + bias + conv(1, inner, width)
        inside = width
    head = conv(3, inside, 32) + 32 + conv(3, 32, 32) + (4 * 32 + 1) * classes
    return encoder, rest + head


def test_parameters_are_those_of_the_paper():
    model = zoo.linknet(classes=21)
    encoder, rest = trained((64, 128, 256, 512), 21)
    assert encoder == 11_176_512  # ResNet-18 as published, without its classifier
    counted = [sum(v.shape.num_elements() for v in model.trainable_variables)]
    assert counted == [encoder + rest]
    assert round(counted[0] / 1e6, 1) == 11.5  # the paper's table
    inside = [v for v in model.trainable_variables if v.path.startswith("encoder_")]
    assert sum(v.shape.num_elements() for v in inside) == encoder


def test_strides_and_widths_of_the_figure():
    model = zoo.linknet((256, 256, 3))
    adds = {i: model.get_layer(f"decoder_block{i}_add").output.shape[1:] for i in (4, 3, 2, 1)}
    assert adds == {4: (16, 16, 256), 3: (32, 32, 128), 2: (64, 64, 64), 1: (64, 64, 64)}
    inner = [model.get_layer(f"decoder_block{i}_reduce_conv").filters for i in (4, 3, 2, 1)]
    assert inner == [128, 64, 32, 16]
    ups = [layer for layer in model.layers if isinstance(layer, layers.TransposedConv2D)]
    assert [layer.kernel_size for layer in ups] == [(3, 3)] * 4 + [(2, 2)]


def link_of(block):
    """What the figure adds to the block's result: the input of the encoder block opposite."""
    return "encoder_stem_pool" if block == 1 else f"encoder_stage{block - 1}_block2_relu"


@pytest.mark.parametrize("block", [4, 3, 2, 1])
def test_where_a_decoder_block_gives_nothing_its_link_passes(block, images):
    model = zoo.linknet(filters=SMALL)
    norm = model.get_layer(f"decoder_block{block}_expand_bn")
    norm.gamma.assign(norm.gamma * 0)
    names = [f"decoder_block{block}_add", link_of(block)]
    probe = keras.Model(model.input, [model.get_layer(name).output for name in names])
    joined, link = probe(images(40, 70))
    assert np.ptp(link) > 0.01
    np.testing.assert_array_equal(joined, link)


def test_otherwise_both_are_added(images):
    model = zoo.linknet(filters=SMALL)
    names = ["decoder_block3_add", "decoder_block3_expand_relu", link_of(3)]
    probe = keras.Model(model.input, [model.get_layer(name).output for name in names])
    joined, decoder, link = probe(images(32, 32))
    assert np.ptp(decoder) > 1e-3
    np.testing.assert_allclose(joined, decoder + link, atol=1e-6)


def test_the_residual_blocks_add_their_shortcuts(images):
    model = zoo.linknet(filters=SMALL)
    names = [f"encoder_stage2_block1_{part}" for part in ("2_bn", "shortcut_bn", "relu")]
    names += [f"encoder_stage2_block2_{part}" for part in ("2_bn", "relu")]
    probe = keras.Model(model.input, [model.get_layer(name).output for name in names])
    first, shortcut, after, second, last = (np.asarray(x) for x in probe(images(32, 32)))
    np.testing.assert_allclose(after, np.maximum(first + shortcut, 0), atol=1e-6)
    np.testing.assert_allclose(last, np.maximum(second + after, 0), atol=1e-6)


def test_behind_an_encoder_all_four_blocks_double(images):
    model = zoo.linknet((64, 64, 3), encoder="mobilenet_v2")
    sizes = [model.get_layer(f"decoder_block{i}_add").output.shape[1] for i in (4, 3, 2, 1)]
    assert sizes == [4, 8, 16, 32]
    for block, feature in zip((4, 1), ("block_13", "block_1"), strict=True):
        skip = model.get_layer(f"decoder_block{block}_add").input[1]
        assert skip is model.get_layer(f"encoder_{feature}_expand_relu").output
    assert model(images(64, 64)).shape == (2, 64, 64, 2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"encoder": "resnet"}, "`encoder` must be one of.*Did you mean 'resnet50'"),
        ({"filters": (4, 8, 16)}, "`filters` must have 4 entries, for ResNet-18's stages"),
        ({"encoder": "vgg16", "filters": SMALL}, "`filters` are those of ResNet-18.*Leave one"),
        ({"encoder_weights": "imagenet"}, "`encoder_weights` needs an `encoder`"),
        ({"encoder": "vgg16", "encoder_weights": "nowhere.h5"}, "there is no file"),
        ({"upsample": "nearset"}, "Did you mean 'nearest'"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.linknet(**arguments)
