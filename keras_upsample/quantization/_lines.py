"""Layers on sequences (N, T, C) rewritten as layers on images of one row (N, 1, T, C).

A convolution of T steps by k taps is one of a row by a kernel of (1, k); what pools, repeats or
pads steps does so to columns. TensorFlow computes `Conv1D` in that way too, but adds its bias when
the row is a line again, where quantisers round before and behind; and whatever is known of rounding
weights and of scaling channels is known of images. Runs of such layers stay images.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._others import _keras
from ..program._applied import Applied
from ..program._emit import Emitter
from ..program._graph import Graph, Node, Tensor, apply
from ..program._surroundings import Surroundings, sources

if TYPE_CHECKING:
    from ..program._program import Program

NOTE = Applied(
    "lines",
    (),
    "as images of one row",
    "bias and activation are rounded with the convolution, not before and behind it",
)


def put_lines_on_images(program: "Program") -> "Program":
    """The program that computes the same of lines by layers on images."""
    graph = program.graph.copy()
    around = Surroundings(graph)
    images = _Images(graph)
    changed: list[Node] = []
    for node in around.nodes:
        if around.shared(node) and node.operation.weights:
            continue
        if images.take(node) and _convolves(node.operation):
            changed.append(node)
    if not changed:
        return program
    return program.changed(graph).with_notes(replace(NOTE, layers=sources(*changed)))


class _Images:
    """The lines of a graph that are there as images."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._of: dict[int, Tensor] = {}
        self._kept: list[Tensor] = []  # so that ids stay theirs

    def take(self, node: Node) -> bool:
        """Put a layer on images in a node's place, if there is one that computes the same."""
        rows = [tensor for tensor in node.inputs if len(tensor.shape) == 3]
        if not rows or len(rows) != len(node.inputs) or len(node.outputs) != 1:
            return False
        if not node.infers or len(node.outputs[0].shape) != 3:
            return False
        layer = _on_images(node.operation, node.inputs[0])
        if layer is None:
            return False
        emit = Emitter(node.operation, sources(node))
        image = emit.call(layer, *map(self._image, rows))
        if layer is not node.operation:
            for old, new in zip(node.operation.weights, layer.weights, strict=True):
                new.assign(np.reshape(old, new.shape))
        line = self._applied("Squeeze", image)
        self._of[id(line)] = image
        self._kept.append(line)
        self._graph.replace(node.outputs[0], line)
        return True

    def _image(self, line: Tensor) -> Tensor:
        if id(line) not in self._of:
            self._of[id(line)] = self._applied("ExpandDims", line)
            self._kept.append(line)
        return self._of[id(line)]

    @staticmethod
    def _applied(operation: str, tensor: Tensor) -> Tensor:
        _, result = apply(_keras.numpy_operation(operation)(axis=1), tensor)
        return result


def _convolves(layer: Any) -> bool:
    return hasattr(layer, "kernel_size")


def _on_images(layer: Any, line: Tensor) -> Any:
    """The layer that does to rows what this one does to lines, not yet built; None for others."""
    import keras

    if type(layer) in (
        keras.layers.Activation,
        keras.layers.ReLU,
        keras.layers.LeakyReLU,
        keras.layers.ELU,
        keras.layers.Add,
        keras.layers.Multiply,
        keras.layers.Dropout,
    ):
        if getattr(layer, "activation", None) is keras.activations.softmax:
            return None
        return layer  # an element at a time
    make = _makers().get(type(layer))
    if make is None or getattr(layer, "data_format", "channels_last") != "channels_last":
        return None
    if getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", False):
        return None
    config = make(layer, layer.get_config())
    if config is None:
        return None
    kind, own = config
    return kind(**own, name=layer.name, dtype=layer.dtype_policy)


_Made = tuple[Any, dict[str, Any]] | None
_Config = Mapping[str, Any]


def _makers() -> Mapping[Any, Callable[[Any, _Config], _Made]]:
    import keras

    kinds = keras.layers

    def convolution(kind: Any, equal: bool = False) -> Callable[[Any, _Config], _Made]:
        def make(layer: Any, config: _Config) -> _Made:
            if config["padding"] not in ("valid", "same"):
                return None
            names = ("filters", "depth_multiplier", "groups", "use_bias", "padding", "activation")
            own = {name: getattr(layer, name) for name in names if hasattr(layer, name)}
            own["kernel_size"] = (1, *layer.kernel_size)
            # TensorFlow asks the strides of a depthwise convolution to be equal; of one row either
            # takes that row.
            own["strides"] = (*layer.strides, *layer.strides) if equal else (1, *layer.strides)
            own["dilation_rate"] = (1, *layer.dilation_rate)
            if config.get("output_padding") is not None:
                return None
            return kind, own

        return make

    def pool(kind: Any) -> Callable[[Any, _Config], _Made]:
        def make(layer: Any, config: _Config) -> _Made:
            (size,), (stride,) = (np.ravel(config[n]).tolist() for n in ("pool_size", "strides"))
            own = {"pool_size": (1, size), "strides": (1, stride), "padding": config["padding"]}
            return kind, own

        return make

    def normalization(layer: Any, config: _Config) -> _Made:
        if layer.axis not in (-1, 2):
            return None
        own = {name: config[name] for name in ("epsilon", "center", "scale")}
        return kinds.BatchNormalization, {"axis": -1, **own}

    return {
        kinds.Conv1D: convolution(kinds.Conv2D),
        kinds.DepthwiseConv1D: convolution(kinds.DepthwiseConv2D, equal=True),
        kinds.SeparableConv1D: convolution(kinds.SeparableConv2D, equal=True),
        kinds.Conv1DTranspose: convolution(kinds.Conv2DTranspose),
        kinds.MaxPooling1D: pool(kinds.MaxPooling2D),
        kinds.AveragePooling1D: pool(kinds.AveragePooling2D),
        kinds.BatchNormalization: normalization,
        kinds.UpSampling1D: lambda layer, config: (
            kinds.UpSampling2D,
            {"size": (1, layer.size), "interpolation": "nearest"},
        ),
        kinds.ZeroPadding1D: lambda layer, config: (
            kinds.ZeroPadding2D,
            {"padding": ((0, 0), tuple(layer.padding))},
        ),
        kinds.Concatenate: lambda layer, config: (
            (kinds.Concatenate, {"axis": -1}) if layer.axis in (-1, 2) else None
        ),
    }
