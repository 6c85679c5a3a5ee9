"""Scaling layers at the beginning of a network's graph."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_upsample.metadata import IMAGENET
from keras_upsample.program._graph import Graph, Node, Tensor
from keras_upsample.zoo._applications import Expected

_STD = (0.229, 0.224, 0.225)  # ImageNet, RGB in [0, 1]
_NARROW = 16.0  # a network takes numbers near 1; 255 of them would be another unit


def leading(graph: Graph) -> Iterator[Node]:
    """The Rescaling and Normalization layers through which alone the image enters."""
    tensor = graph.inputs[0]
    while True:
        readers = [node for node in graph.nodes() if any(x is tensor for x in node.inputs)]
        kinds = (keras.layers.Rescaling, keras.layers.Normalization)
        if len(readers) != 1 or type(readers[0].operation) not in kinds:
            return
        yield readers[0]
        tensor = readers[0].outputs[0]


def fold_leading(graph: Graph, expects: Expected, weighted: bool) -> tuple[Tensor, Expected]:
    """The tensor behind those layers, and what it holds of an image in [0, 1].

    EfficientNet's published files hold the standard deviation where the layer expects the
    variance; Keras divides by its square root once more, but only for `weights="imagenet"`. Here
    the same file means the same whether it was downloaded or is given by its path. Without weights
    its layer knows no statistics, and takes those of ImageNet.

    Args:
        graph: of the network.
        expects: of an image in [0, 1], what the network gets.
        weighted: whether the network has weights of a file, and its statistics with them.
    """
    tensor = graph.inputs[0]
    scale, offset = (np.asarray(x, "float64") for x in (expects.scale, expects.offset))
    published = False
    for node in leading(graph):
        tensor = node.outputs[0]
        layer = node.operation
        if isinstance(layer, keras.layers.Rescaling):
            if not published:  # Keras' correction is made already
                factor = np.asarray(layer.scale, "float64")
                scale, offset = scale * factor, offset * factor + np.asarray(layer.offset)
            continue
        mean, variance = (np.ravel(np.asarray(x)).astype("float64") for x in _statistics(layer))
        fresh = layer.input_mean is None and not mean.any() and np.all(variance == 1)
        if fresh and not weighted:
            scale, offset = (np.asarray(x) for x in (IMAGENET.scale, IMAGENET.offset))
            continue
        std = np.sqrt(variance)
        if layer.input_mean is None and variance.size == 3:
            published = np.allclose(variance, _STD, atol=1e-6)
            std = variance if published else std
        scale, offset = scale / std, (offset - mean) / std
    if tensor is graph.inputs[0]:
        return tensor, expects
    channels = max(scale.size, offset.size)
    scale, offset = (np.broadcast_to(x, (channels,)).tolist() for x in (scale, offset))
    return tensor, Expected(tuple(scale), tuple(offset))


def counts_to_255(graph: Graph) -> bool:
    """Whether layers at the beginning of a network bring 0..255 near 1."""
    slope = np.ones(())
    for node in leading(graph):
        layer = node.operation
        if isinstance(layer, keras.layers.Rescaling):
            slope = slope * np.asarray(layer.scale)
        else:
            slope = slope / np.sqrt(np.asarray(_statistics(layer)[1]))
    return bool(np.max(np.abs(slope)) * 255 <= _NARROW)


def _statistics(layer: Any) -> Any:
    """Mean and variance of a Normalization layer: adapted, or given."""
    if layer.input_mean is None:
        return layer.get_weights()[:2]
    return layer.input_mean, layer.input_variance
