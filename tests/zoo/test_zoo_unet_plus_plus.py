"""U-Net++: parameters of the paper, nodes, deep supervision, pruning."""

import keras
import numpy as np
import pytest

from keras_upsample import zoo


def parameters(filters, classes, channels, batch_norm, heads=1):
    """Counted node by node, from the paper's figure."""

    def pair(inside, outside):
        bias = 0 if batch_norm else 1
        total = (9 * inside + bias) * outside + (9 * outside + bias) * outside
        return total + (8 * outside if batch_norm else 0)

    total, inside = heads * (filters[0] + 1) * classes, channels
    for width in filters:
        total, inside = total + pair(inside, width), width
    for i, width in enumerate(filters[:-1]):
        for j in range(1, len(filters) - i):
            total += (4 * filters[i + 1] + 1) * width + pair((j + 1) * width, width)
    return total


def test_parameters_of_the_paper_and_of_the_default():
    # The paper's table 2: 9.04 M, with and without deep supervision.
    filters = (32, 64, 128, 256, 512)
    model = zoo.unet_plus_plus(classes=1, batch_norm=False, deep_supervision=True)
    assert model.count_params() == parameters(filters, 1, 3, False, heads=4) == 9_042_276
    assert zoo.unet_plus_plus().count_params() == parameters(filters, 2, 3, True)


def test_with_two_rows_it_is_a_unet(images):
    nested = zoo.unet_plus_plus(filters=(4, 6), batch_norm=False)
    plain = zoo.unet(filters=(4, 6), batch_norm=False)
    values = [np.asarray(weight) for weight in nested.weights]
    # U-Net joins [decoder, skip], U-Net++ [skip, decoder].
    kernel = nested.get_layer("decoder_x01_conv1").kernel
    turned = np.concatenate([kernel[:, :, 4:], kernel[:, :, :4]], axis=2)
    where = [weight is kernel for weight in nested.weights].index(True)
    values[where] = turned
    plain.set_weights(values)
    image = images(11, 7)
    assert np.ptp(plain(image)) > 0.01
    np.testing.assert_allclose(nested(image), plain(image), atol=1e-5)


def test_every_node_takes_all_before_it_and_the_one_below():
    model = zoo.unet_plus_plus((16, 16, 3), filters=(2, 3, 5, 7), upsample="nearest")
    for i, width in enumerate((2, 3, 5)):
        for j in range(1, 4 - i):
            join = model.get_layer(f"decoder_x{i}{j}_join")
            producers = [tensor._keras_history.operation.name for tensor in join.input]
            columns = [f"{'encoder' if k == 0 else 'decoder'}_x{i}{k}_relu2" for k in range(j)]
            assert producers == [*columns, f"decoder_x{i}{j}_upsample_conv"]
            below = model.get_layer(f"decoder_x{i}{j}_upsample").input
            below = below._keras_history.operation.name
            assert below.endswith(f"_x{i + 1}{j - 1}_relu2")
            assert join.output.shape[-1] == (j + 1) * width


def test_deep_supervision_gives_scores_of_every_depth(images):
    model = zoo.unet_plus_plus(filters=(2, 3, 4), deep_supervision=True, activation="softmax")
    assert model.output_names == ["probabilities_1", "probabilities_2"]
    single = zoo.unet_plus_plus(filters=(2, 3, 4), activation="softmax")
    for layer in single.layers:
        name = {"head_conv": "head_conv_2"}.get(layer.name, layer.name)
        if layer.get_weights():
            layer.set_weights(model.get_layer(name).get_weights())
    image = images(10, 13)
    shallow, deep = model(image)
    assert shallow.shape == deep.shape == (2, 10, 13, 2)
    assert np.abs(shallow - deep).max() > 0.01
    np.testing.assert_allclose(single(image), deep, atol=1e-6)


@pytest.mark.parametrize("depth", [1, 2])
def test_cut_to_a_depth_it_is_the_smaller_network(depth, images):
    filters = (2, 3, 4, 5)
    model = zoo.unet_plus_plus(filters=filters, deep_supervision=True)
    pruned = keras.Model(model.input, model.get_layer(f"logits_{depth}").output)
    smaller = zoo.unet_plus_plus(filters=filters[: depth + 1])
    assert pruned.count_params() == smaller.count_params()
    for layer in smaller.layers:
        name = {"head_conv": f"head_conv_{depth}"}.get(layer.name, layer.name)
        if layer.get_weights():
            layer.set_weights(pruned.get_layer(name).get_weights())
    image = images(8, 16)  # a multiple of either stride: nothing is padded
    np.testing.assert_allclose(pruned(image), smaller(image), atol=1e-6)


def test_all_depths_are_trained_together(images):
    model = zoo.unet_plus_plus(filters=(2, 3, 4), deep_supervision=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", [loss, loss], run_eagerly=True)
    heads = [model.get_layer(f"head_conv_{j}").kernel for j in (1, 2)]
    before = [np.asarray(kernel) for kernel in heads]
    labels = np.arange(128).reshape(2, 8, 8) % 2
    model.train_on_batch(images(8, 8), [labels, labels])
    for kernel, old in zip(heads, before, strict=True):
        assert np.abs(kernel - old).max() > 1e-6
