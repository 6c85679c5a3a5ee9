"""Weights of PyTorch's nets -> a model of the zoo, from an ONNX file or a state dictionary."""

import pathlib

import keras
import numpy as np

from keras_upsample.interchange import from_onnx

FOLDER = pathlib.Path(__file__).parents[1] / "vectors" / "decoders"


def image(height, width):
    """What tests/vectors/make_decoder_files.py made of the same sizes, channels last."""
    n = np.arange(1, 3 * height * width + 1, dtype=np.uint64)
    x = ((n * np.uint64(2654435761)) % np.uint64(2**32)).astype("float64") / 2**32
    return x.reshape(1, 3, height, width).astype("float32").transpose(0, 2, 3, 1)


def read(name):
    """What PyTorch computed, and the state dictionary where there is no ONNX file."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def error(model, stored, step=3):
    """The largest difference between a model and PyTorch, in parts of the output's range."""
    y = keras.ops.convert_to_numpy(model(image(*stored["size"]), training=False))
    y = y.transpose(0, 3, 1, 2)[:, :, ::step, ::step]
    assert y.shape == stored["y"].shape
    return float(np.abs(y - stored["y"]).max() / stored["range"])


def weighted(model):
    return [layer for layer in model.layers if layer.weights]


def place_of(name, table):
    """The entry of the longest beginning of `name` that the table has."""
    found = [key for key in table if name.startswith(key)]
    assert found, f"no entry for {name}"
    return table[max(found, key=len)]


def fill_from_onnx(model, path, table):
    """Copies each layer's weights from the layer that `from_onnx` made of the module in the table.

    A bias in front of batch normalization, which the zoo's models leave out, is taken from the
    mean. Epsilons are PyTorch's.
    """
    theirs = {layer.name: layer for layer in weighted(from_onnx(path, verify=False))}
    used, biases = set(), {}
    for layer in weighted(model):
        place = place_of(layer.name, table).replace(".", "_")
        kind = type(layer).__name__
        there = [x for n, x in theirs.items() if n == place or n.startswith(f"{place}_")]
        found = [other for other in there if type(other).__name__ == kind] or there
        values = [keras.ops.convert_to_numpy(w) for other in found for w in other.weights]
        used |= {other.name for other in found}
        if {type(other).__name__ for other in found} <= {"Dense", "WithConstant"}:
            values = [values[0][None, None], values[1].ravel()]  # as a 1x1 convolution
        else:
            assert len(found) == 1, (layer.name, place, [other.name for other in found])
        if kind == "Conv2D" and len(values) > len(layer.weights):
            biases[place] = values.pop()
        if kind == "BatchNormalization":
            values[2] = values[2] - biases.pop(place, 0)
        if hasattr(layer, "epsilon"):
            layer.epsilon = found[0].epsilon
        layer.set_weights(values)
    assert not biases
    assert used == set(theirs)


def copy(model, other):
    """`other` with the weights and epsilons of a model of the same layers."""
    other.set_weights(model.get_weights())
    for layer in model.layers:
        if hasattr(layer, "epsilon"):
            other.get_layer(layer.name).epsilon = layer.epsilon
    return other


def fill_from_state(model, state, table):
    """Copies each layer's weights from the module of PyTorch that the table names.

    An entry is a module's path; of layers of attention a pair (queries, keys and values together,
    projection) or a triple (queries, keys and values, projection).
    """
    left = set(state)

    def take(name):
        left.discard(name)
        return state[name]

    for layer in weighted(model):
        values = _values(layer, place_of(layer.name, table), take)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.epsilon = 1e-5
        layer.set_weights(values)
    assert {name for name in left if name not in ("size", "range", "y")} == set()


def _values(layer, place, take):
    kind = type(layer).__name__
    if kind == "MultiHeadAttention":
        return _attention(layer, place, take)
    if kind == "ClassTokenAndPositions":
        return [take(f"{place}.cls_token"), take(f"{place}.pos_embed")]
    if callable(place):
        return place(take)
    weight = take(f"{place}.weight")
    if kind == "BatchNormalization":
        names = ("bias", "running_mean", "running_var")
        return [weight, *(take(f"{place}.{name}") for name in names)]
    if kind == "Conv2D" and weight.ndim == 2:  # a dense layer
        weight = weight[:, :, None, None]
    if kind in ("Conv2D", "TransposedConv2D"):  # either order of channels becomes the other
        weight = weight.transpose(2, 3, 1, 0)
    if kind == "DepthwiseConv2D":
        weight = weight.transpose(2, 3, 0, 1).reshape(layer.kernel.shape)
    if kind == "Dense":
        weight = weight.T
    return [weight, take(f"{place}.bias")] if len(layer.weights) > 1 else [weight]


def _attention(layer, place, take):
    """(3C, C) or (C, C) and (2C, C) -> kernels (C, heads, C/heads) and biases of each."""
    *inputs, output = place
    kernel = np.concatenate([take(f"{name}.weight") for name in inputs])
    bias = np.concatenate([take(f"{name}.bias") for name in inputs])
    shape = layer.weights[0].shape  # (C, heads, C/heads)
    values = []
    for k, b in zip(np.split(kernel, 3), np.split(bias, 3), strict=True):
        values += [k.T.reshape(shape), b.reshape(shape[1:])]
    last = take(f"{output}.weight").T.reshape(shape[1], shape[2], shape[0])
    return [*values, last, take(f"{output}.bias")]
