"""Groups of nodes that are one operation on pixels: shuffles, unpooling, adaptive pooling."""

import keras
import numpy as np
import pytest
from onnx_files import check, net, weights, whole

import keras_upsample as ku
from keras_upsample import interchange
from keras_upsample.errors import ArtefactError


def kinds(model):
    return [type(operation).__name__ for operation in model.operations[1:]]


SHUFFLES = {
    "PixelShuffle2D crd": ((1, 8, 3, 5), (1, 2, 2, 2, 3, 5), (0, 1, 4, 2, 5, 3), (1, 2, 6, 10)),
    "PixelShuffle2D dcr": ((1, 8, 3, 5), (1, 2, 2, 2, 3, 5), (0, 3, 4, 1, 5, 2), (1, 2, 6, 10)),
    "PixelUnshuffle2D crd": ((1, 3, 6, 9), (1, 3, 2, 3, 3, 3), (0, 1, 3, 5, 2, 4), (1, 27, 2, 3)),
    "PixelUnshuffle2D dcr": ((1, 3, 6, 9), (1, 3, 2, 3, 3, 3), (0, 3, 5, 1, 2, 4), (1, 27, 2, 3)),
}


def moved(folder, image, apart, order, result):
    nodes = [
        ("Reshape", ["x", "apart"], ["a"], {}),
        ("Transpose", ["a"], ["b"], {"perm": order}),
        ("Reshape", ["b", "result"], ["y"], {}),
    ]
    constants = {"apart": whole(*apart), "result": whole(*result)}
    return net(folder, nodes, constants, shape=image)


@pytest.mark.parametrize("name", SHUFFLES)
def test_a_shuffle_of_three_nodes_is_one_layer(name, tmp_path):
    layer, order = name.split()
    model = check(moved(tmp_path, *SHUFFLES[name]))
    assert kinds(model) == [layer] and model.layers[1].order == order


@pytest.mark.parametrize(
    "image, apart, order, result",
    [
        ((1, 6, 3, 5), (1, 1, 2, 3, 3, 5), (0, 1, 4, 2, 5, 3), (1, 1, 6, 15)),  # 2 x 3 pixels
        ((1, 8, 3, 5), (1, 2, 2, 2, 3, 5), (0, 1, 5, 3, 4, 2), (1, 2, 10, 6)),  # turned, too
        ((1, 8, 4, 4), (1, 4, 2, 2, 2, 4), (0, 1, 4, 2, 5, 3), (1, 4, 4, 8)),  # not of channels
    ],
)
def test_what_is_nearly_a_shuffle_computes_what_the_file_does(
    image, apart, order, result, tmp_path
):
    model = check(moved(tmp_path, image, apart, order, result))
    assert "PixelShuffle2D" not in kinds(model)


def test_a_channel_shuffle_chooses_channels(tmp_path):
    path = moved(tmp_path, (1, 6, 4, 5), (1, 2, 3, 4, 5), (0, 2, 1, 3, 4), (1, 6, 4, 5))
    assert kinds(check(path)) == ["Take"]


def unpooled(beginnings=None, window=2, size=(6, 8), pooled=(3, 4), channels=3):
    """As PyTorch's exporter writes max_unpool2d(2 pool(x), places of pool(x))."""
    planes = np.arange(channels).reshape(1, -1, 1, 1) * (size[0] * size[1])
    shape = {"kernel_shape": [window] * 2, "strides": [window] * 2}
    nodes = [
        ("MaxPool", ["x"], ["values", "places"], shape),
        ("MaxPool", ["x"], ["same", "all"], {"kernel_shape": [1, 1]}),
        ("Slice", ["all", "zero", "one", "axes"], ["first"], {}),
        ("Sub", ["places", "first"], ["in_plane"], {}),
        ("Mul", ["values", "two"], ["doubled"], {}),
        ("Add", ["in_plane", "planes"], ["whole"], {}),
        ("Reshape", ["whole", "flat"], ["a"], {}),
        ("Reshape", ["doubled", "flat"], ["b"], {}),
        ("Unsqueeze", ["a", "flat"], ["column"], {}),
        ("ScatterND", ["zeros", "column", "b"], ["c"], {}),
        ("Reshape", ["c", "size"], ["y"], {}),
    ]
    constants = {
        "zero": whole(0, 0), "one": whole(1, 1), "axes": whole(2, 3), "flat": whole(-1),
        "two": np.float32(2), "planes": planes if beginnings is None else beginnings,
        "zeros": np.zeros(channels * size[0] * size[1], "float32"),
        "size": whole(1, channels, *size),
    }  # fmt: skip
    return nodes, constants


def test_max_unpooling_of_pytorch(tmp_path):
    nodes, constants = unpooled()
    # ONNX' reference evaluator counts the places of a pool of one pixel wrong.
    model = interchange.from_onnx(net(tmp_path, nodes, constants, shape=(1, 3, 6, 8)))
    assert kinds(model) == ["MaxPoolingWithIndices2D", "WithConstant", "MaxUnpooling2D"]
    x = weights(2, 6, 8, 3)
    largest = x.reshape(2, 3, 2, 4, 2, 3).max((2, 4), keepdims=True)
    largest = np.broadcast_to(largest, (2, 3, 2, 4, 2, 3)).reshape(x.shape)
    np.testing.assert_array_equal(model(x), np.where(x == largest, 2 * x, 0))
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(x), model(x))


def test_max_unpooling_of_onnx(tmp_path):
    nodes = [
        ("MaxPool", ["x"], ["values", "places"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Neg", ["values"], ["v"], {}),
        ("MaxUnpool", ["v", "places"], ["y"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ]
    model = check(net(tmp_path, nodes, {}, shape=(1, 5, 6, 8)))
    assert kinds(model)[-1] == "MaxUnpooling2D"


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"beginnings": np.zeros((1, 3, 1, 1), "int64")}, "do not begin anew in each plane"),
        ({"window": 3, "size": (6, 9)}, r"where \(1, 3, 6, 8\) was pooled"),
    ],
)
def test_another_unpooling_is_refused_with_the_reason(options, reason, tmp_path):
    nodes, constants = unpooled(**options)
    with pytest.raises(ArtefactError, match=f"max unpooling: .*{reason}"):
        interchange.from_onnx(net(tmp_path, nodes, constants, shape=(1, 3, 6, 8)))


def test_places_of_maxima_that_the_net_returns_are_refused(tmp_path):
    nodes, constants = unpooled()
    nodes.append(("Cast", ["in_plane"], ["z"], {"to": 1}))
    path = net(tmp_path, nodes, constants, shape=(1, 3, 6, 8), outputs=("y", "z"))
    with pytest.raises(ArtefactError, match="places of the maxima"):
        interchange.from_onnx(path)


def bins(length, count):
    """Begin and end of each."""
    return [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


def adaptive(size, image=(5, 7), shift=0):
    """As PyTorch's dynamo exporter writes adaptive_avg_pool2d, sums by ReduceSum."""
    rows, columns = (bins(n, m) for n, m in zip(image, size, strict=True))
    most = [max(end - begin for begin, end in each) for each in (rows, columns)]
    places = np.zeros((size[0], most[0], size[1], most[1], 2), np.int64)
    inside = np.zeros((size[0], most[0], size[1], most[1]), bool)
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            for a in range(most[0]):
                for b in range(most[1]):
                    row, column = min(top + a, image[0] - 1), min(left + b, image[1] - 1)
                    places[i, a, j, b] = row, column
                    inside[i, a, j, b] = top + a < bottom and left + b < right
    places[0, 0, 0, 0, 1] += shift
    nodes = [
        ("Transpose", ["x"], ["pixels"], {"perm": [2, 3, 0, 1]}),
        ("GatherND", ["pixels", "places"], ["taken"], {}),
        ("Transpose", ["taken"], ["index"], {"perm": [4, 5, 0, 1, 2, 3]}),
        ("Where", ["outside", "zero", "index"], ["masked"], {}),
        ("ReduceSum", ["masked", "axes"], ["sum"], {"keepdims": 0}),
        ("Div", ["sum", "counts"], ["y"], {}),
    ]
    constants = {
        "places": places, "outside": ~inside, "zero": np.float32(0), "axes": whole(3, 5),
        "counts": inside.sum((1, 3)).astype("float32"),
    }  # fmt: skip
    return nodes, constants


@pytest.mark.parametrize("size", [(2, 3), (3, 3), (5, 4), (1, 1), (6, 2)])
def test_adaptive_pooling_is_a_layer(size, tmp_path):
    nodes, constants = adaptive(size)
    model = check(net(tmp_path, nodes, constants, shape=(1, 4, 5, 7)))
    assert kinds(model) == ["AdaptiveAveragePooling2D"] and model.layers[1].size == size


def test_other_weights_than_those_of_bins_are_read_node_by_node(tmp_path):
    nodes, constants = adaptive((2, 3), shift=1)
    model = check(net(tmp_path, nodes, constants, shape=(1, 4, 5, 7)))
    assert "AdaptiveAveragePooling2D" not in kinds(model) and "Take" in kinds(model)


def test_a_segnet_goes_on_to_tflite(tmp_path):
    nodes, constants = unpooled()
    model = interchange.from_onnx(net(tmp_path, nodes, constants, shape=(1, 3, 6, 8)))
    images = [weights(6, 8, 3, low=0.0)]
    assert ku.export.to_tflite(model, tmp_path / "m.tflite", images=images).verifications[0].passed
