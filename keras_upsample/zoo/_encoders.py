"""Encoders: networks that others made, as the first half of a model of the zoo.

Every encoder takes images in [0, 1]; what its network was trained on is made inside. The layers of
the network are copied: the model owns its weights, and the network is only read.
"""

import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample.zoo._applications import preprocess
from keras_upsample.zoo._encoder_copy import copied, dilated, padded
from keras_upsample.zoo._encoder_source import Encoder, Source, check_encoder, source_of
from keras_upsample.zoo._features import SIZES, Features, Operations, Size, find_features, specs_at

_ALL = (2, 4, 8, 16, 32)


def encode(
    image: keras.KerasTensor,
    encoder: Encoder,
    weights: str | os.PathLike[str] | None = None,
    *,
    atrous: bool = False,
    needs: Sequence[int] = _ALL,
    normalization: Any = None,
    trainable: bool = True,
    padding: str = "same",
) -> dict[int, Any]:
    """`image` through an encoder: its features by stride, finest first.

    The features at stride s are as large as the image by s. They are the last tensor of that size
    through which everything deeper passes (`_features.find_features`). Strides that the network
    does not have, and that are not among `needs`, are left out.

    The network's layers become layers of the model that is being built, called `encoder_` and
    their own name. With `atrous` the last stage stays at stride 16, `features[32]` too: the stride
    is removed, and every convolution after it has twice the dilation.

    Args:
        image: in [0, 1]; height and width are multiples of 32.
        encoder: a name of `names()` or of a keras-hub preset, or a functional Keras model, which is
            only read.
        weights: for a name: None (random), "imagenet" or the path of a weights file; "preset" for
            a preset.
        atrous: whether the last stage stays at stride 16.
        needs: strides that the caller can't do without.
        normalization: for a model: what it expects of an image, in the words of `predict`.
        trainable: False freezes the encoder.
        padding: "torch" for PyTorch's in 'resnet18' and 'resnet34'.

    Raises:
        ValueError: a wrong argument, a stride of `needs` that the network lacks, or a network that
            can't be copied or, with `atrous`, kept at stride 16.
        FetchError: weights can't be downloaded.
    """
    check_encoder(encoder)
    source = source_of(encoder, weights, image.shape[-1], normalization, padding)
    sizes = _sizes(source, image)
    features, standing = _search(source, sizes)
    _check_found(features, needs, source.label)
    if atrous:
        standing = dilated(source.graph, features, standing)
        _check_atrous(source, features, standing, sizes)
    return copied(
        source.graph,
        source.start,
        preprocess(image, source.expects),
        features.nodes,
        standing=standing,
        expects=source.expects,
        weights=source.weights,
        trainable=trainable,
    )


def _sizes(source: Source, image: Any) -> tuple[Size, ...]:
    """Sizes at which the network is tried: its own alone if it computes nothing at another."""
    height, width = source.size
    ends = {id(tensor) for tensor in source.graph.outputs}
    if height is None or width is None or ends <= set(specs_at(source.graph, SIZES[1], {})):
        return SIZES
    if tuple(image.shape[1:3]) != source.size:
        raise ValueError(
            f"`encoder`: {source.label} works at its own size alone, {height}x{width}. Pass it as "
            f"`input_shape`; received: {tuple(image.shape[1:])}."
        )
    return ((height, width),)


def _search(source: Source, sizes: Sequence[Size]) -> tuple[Features, Operations]:
    """The features of a network, with windows padded if sizes come out even only so."""
    features = find_features(source.graph, source.start, sizes)
    if set(_ALL) <= set(features.nodes):
        return features, {}
    standing = padded(source.graph)
    with_borders = find_features(source.graph, source.start, sizes, standing)
    if len(with_borders.nodes) > len(features.nodes):
        return with_borders, standing
    return features, {}


def _check_found(features: Features, needs: Sequence[int], label: str) -> None:
    found = [stride for stride in features.nodes if stride > 1]
    missing = [stride for stride in needs if stride not in found]
    if missing:
        raise ValueError(
            f"`encoder`: {label} has features at {_listed(found)}, but not at {_listed(missing)}, "
            "which this decoder reads. Features at stride s have the height and width of the image "
            "by s. Pass another encoder, or a decoder that reads fewer."
        )


def _listed(strides: Sequence[int]) -> str:
    if not strides:
        return "no stride of 2 to 32"
    return f"stride{'s' if len(strides) > 1 else ''} {', '.join(map(str, strides))}"


def _check_atrous(
    source: Source, features: Features, standing: Operations, sizes: Sequence[Size]
) -> None:
    shallow, deep = (features.nodes[stride].outputs[0] for stride in (16, 32))
    for size in sizes:
        specs = specs_at(source.graph, size, standing)
        if id(deep) not in specs or specs[id(deep)].shape[1:3] != specs[id(shallow)].shape[1:3]:
            raise ValueError(
                f"`encoder`: the last stage of {source.label} can't be kept at stride 16: it has "
                "layers whose size does not follow from strides alone. Pass another encoder, or "
                "build another model than DeepLabv3+."
            )
