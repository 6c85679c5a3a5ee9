"""What `encoder=` stands for: a network, what it expects of an image, and whose weights it has."""

import dataclasses
import os
import warnings
from typing import Any

import keras

from keras_upsample.metadata import Scaling, of
from keras_upsample.metadata._scaling import IMAGENET, scaling_named
from keras_upsample.program._graph import Graph, Tensor
from keras_upsample.program._input_shape import InputSpec
from keras_upsample.program._read import NotAGraphError, graph_of, is_functional
from keras_upsample.program._signature import Signature
from keras_upsample.zoo import _applications as applications
from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _hub as hub
from keras_upsample.zoo._applications import Expected, scaled_down
from keras_upsample.zoo._features import SIZES
from keras_upsample.zoo._leading import counts_to_255, fold_leading
from keras_upsample.zoo._resnet import BLOCKS, resnet_model
from keras_upsample.zoo._weights import application, check_weights, load_file

Encoder = str | Any
"""A name, or a functional Keras model."""

PADDINGS = ("same", "torch")


@dataclasses.dataclass(frozen=True)
class Source:
    """A network to be copied.

    Attributes:
        graph: of the network, at one size; its layers are only read.
        start: the tensor behind the layers that `expects` stands for.
        expects: what an image in [0, 1] becomes in front of `start`.
        label: name, for messages.
        weights: whether the weights are to be copied.
        size: height and width that the network asks for; None where it is made for any.
    """

    graph: Graph
    start: Tensor
    expects: Expected
    label: str
    weights: bool
    size: tuple[int | None, int | None] = (None, None)


def names() -> list[str]:
    """Encoders by name."""
    return sorted([*BLOCKS, *applications.names()])


def check_encoder(value: Any, also: str = "") -> Encoder:
    """`value` if it names an encoder or is a model that can be one."""
    if isinstance(value, keras.Model):
        _check_model(value)
        return value
    if isinstance(value, str) and value not in names() and hub.is_preset(value):
        return value
    choices = f", the name of a keras-hub preset, a functional Keras model{also}"
    return arguments.check_choice("encoder", value, names(), choices)


def check_no_encoder(weights: Any, normalization: Any, trainable: bool) -> None:
    """Raises if options of an encoder were given without one."""
    given = {"encoder_weights": weights, "encoder_normalization": normalization}
    if not trainable:
        given["encoder_trainable"] = trainable
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"`{name}` needs an `encoder`. Received: encoder=None, {name}={value!r}."
            )


def check_padding(value: Any, encoder: Any, allowed: tuple[str, ...] = PADDINGS) -> str:
    """`value` if it is a padding that the encoder has."""
    arguments.check_choice("padding", value, allowed)
    known = isinstance(encoder, str) and encoder in names() and encoder.startswith("resnet")
    if value == "torch" and not known:
        raise ValueError(
            "`padding='torch'` is for ResNet encoders by name: 'resnet18', 'resnet34', and those "
            "of keras.applications, which pad so in any case. Received: "
            f"encoder={_label(encoder)}. Pass another encoder, or padding='same'; a model of your "
            "own keeps the padding that it has."
        )
    return str(value)


def starts_random(encoder: Encoder | None, weights: Any) -> bool:
    """Whether an encoder by its name begins with random weights."""
    return isinstance(encoder, str) and weights is None


def source_of(
    encoder: Encoder, weights: Any, channels: int, normalization: Any, padding: str
) -> Source:
    """The network of an encoder.

    Args:
        encoder: as checked by `check_encoder`.
        weights: of a named one: None, a name, or the path of a file.
        channels: of the image.
        normalization: what a model expects of an image, in the words of `predict`.
        padding: "same" or "torch", for ResNet-18 and ResNet-34.

    Raises:
        ValueError: the arguments don't go together, or the network can't be read.
        FetchError: weights can't be downloaded.
    """
    if isinstance(encoder, str) and encoder in names():
        if normalization is not None:
            raise ValueError(
                "`encoder_normalization` is for a model or a preset; what "
                f"{encoder!r} expects is known. Received: {normalization!r}. Leave it out."
            )
        return _of_name(encoder, weights, channels, padding)
    declared = None
    if isinstance(encoder, str):
        hub.check_preset_weights(weights)
        model, declared = hub.backbone(encoder, weights)
        _check_model(model)
    elif weights is not None:
        raise ValueError(
            "`encoder_weights` are for an encoder by its name; a model brings its own. Received: "
            f"{weights!r}. Leave it out."
        )
    else:
        model = encoder
    _check_channels(model, channels)
    graph = _graph(model, channels)
    expects = _expected_by(model, graph, normalization, declared)
    copies = not starts_random(encoder, weights)
    size = tuple(model.inputs[0].shape[1:3])
    return Source(graph, graph.inputs[0], expects, _label(encoder), copies, size)


def _of_name(name: str, weights: Any, channels: int, padding: str) -> Source:
    check_weights(weights, channels)
    if name in BLOCKS:
        model = resnet_model(name, channels, padding)
        if weights == "imagenet":
            raise ValueError(
                f"`encoder_weights`: Keras has no weights of {name!r}. Pass None or the path of a "
                "weights file; or read a network of PyTorch by `interchange.from_onnx` and pass "
                "it as `encoder`."
            )
        if weights is not None:
            load_file(model, weights, name)
        graph = _graph(model, channels)
        start, expects = graph.inputs[0], Expected(IMAGENET.scale, IMAGENET.offset)
    else:
        size = applications.built_size(name)
        model = application(applications.names()[name], weights, channels, size)
        graph = _graph(model, channels)
        _cut(graph, applications.classifier_of(name))
        expects = applications.expected(name, channels)
        start, expects = fold_leading(graph, expects, weights is not None)
    return Source(graph, start, expects, _label(name), weights is not None)


def _graph(model: Any, channels: int) -> Graph:
    (given,) = model.inputs
    size = [n or m for n, m in zip(given.shape[1:3], SIZES[0], strict=True)]
    spec = InputSpec("image", (1, *size, channels), given.dtype)
    try:
        return graph_of(model, Signature((spec,), None))
    except NotAGraphError as error:
        raise ValueError(f"`encoder`: {model.name!r} can't be taken apart: {error}.") from error


def _cut(graph: Graph, layer: str | None) -> None:
    """Let the graph end in front of a layer."""
    for node in graph.nodes() if layer else ():
        if node.name == layer:
            graph.outputs = [node.inputs[0]]


def _check_model(model: Any) -> None:
    """Raises unless the model is a graph from one image to maps, channels last."""
    hint = "Pass a functional or Sequential Keras model that takes one image, (N, H, W, C)."
    if not is_functional(model):
        raise ValueError(f"`encoder`: {model.name!r} is no functional model. {hint}")
    shapes = [tuple(x.shape) for x in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][-1] is None:
        raise ValueError(f"`encoder`: {model.name!r} takes {shapes}. {hint}")


def _check_channels(model: Any, channels: int) -> None:
    wanted = model.inputs[0].shape[-1]
    if wanted != channels:
        raise ValueError(
            f"`encoder`: {model.name!r} takes images of {wanted} channels, but `input_shape` has "
            f"{channels}. Pass an `input_shape` of {wanted} channels."
        )


def _expected_by(
    model: Any, graph: Graph, normalization: Any, declared: Scaling | None
) -> Expected:
    """What a model expects: as it is told, as its metadata say, or as its first layers show."""
    declared = declared or of(model).input.scaling
    if normalization is not None:
        scaling = _named(normalization)
    elif declared is not None:
        scaling = declared
    elif counts_to_255(graph):
        scaling = Scaling.to_range(0, 255)
    else:
        warnings.warn(
            f"`encoder`: nothing says how {model.name!r} expects its images; it is given values in "
            "[0, 1]. Pass `encoder_normalization`: 'full_range' for [0, 1], 'imagenet', "
            "'minus_one_to_one', '0_to_255', or mean and std.",
            stacklevel=5,
        )
        scaling = Scaling()
    if scaling.base != "full_range":
        raise ValueError(
            f"`encoder_normalization`: {model.name!r} expects {scaling}, which can't be made from "
            "images in [0, 1]. Pass the scaling of images in [0, 1]."
        )
    return scaled_down(scaling.scale, scaling.offset)


def _named(normalization: Any) -> Scaling:
    try:
        return scaling_named(normalization)
    except ValueError as error:
        raise ValueError(str(error).replace("`normalization`", "`encoder_normalization`")) from None


def _label(encoder: Any) -> str:
    if isinstance(encoder, keras.Model):
        return f"the model {encoder.name!r}"
    return repr(os.fspath(encoder) if isinstance(encoder, os.PathLike) else encoder)
