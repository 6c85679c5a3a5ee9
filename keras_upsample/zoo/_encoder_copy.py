"""Copies of a network's layers in the model that is being built, some with other settings."""

import re
from collections.abc import Mapping
from typing import Any

import keras
from keras import tree

from keras_upsample.errors import first_line
from keras_upsample.program._graph import Graph, Node, Tensor
from keras_upsample.program._twin import twin
from keras_upsample.zoo._applications import Expected, copy_first
from keras_upsample.zoo._features import Features, Operations, path_between

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
_POOLS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)


def window_of(operation: Any) -> tuple[int, ...] | None:
    """Kernel or pool size; None for a layer without a window."""
    if isinstance(operation, _CONVOLUTIONS):
        return tuple(operation.kernel_size)
    return tuple(operation.pool_size) if isinstance(operation, _POOLS) else None


def changed(operation: Any, **settings: Any) -> Any:
    """A layer like `operation`, not built, with other settings."""
    return type(operation).from_config(operation.get_config() | settings)


def padded(graph: Graph) -> Operations:
    """Stand-ins with padding="same" for windows that lose the border of a map.

    With a stride of 2 a 3x3 window starts where it did, and one more reaches over the edge; with a
    stride of 1 one more on each side does, and the values move by one. A later window of stride 2
    may then start one pixel beside where it did.
    """
    found: dict[int, Any] = {}
    for node in graph.nodes():
        operation = node.operation
        window = window_of(operation)
        if window is None or max(window) == 1 or operation.padding != "valid":
            continue
        before = node.inputs[0].node
        if before is None or not isinstance(before.operation, keras.layers.ZeroPadding2D):
            found[id(operation)] = changed(operation, padding="same")
    return found


def dilated(graph: Graph, features: Features, standing: Operations) -> Operations:
    """Stand-ins by which the last stage stays at stride 16.

    Strides become 1, and windows of convolutions behind a removed stride are dilated by 2. A
    pooling window that is as large as its stride is the stride, and goes; an average stays.
    """
    found = dict(standing)
    stage = path_between(graph.nodes(), features.nodes[16].outputs[0], features.nodes[32])
    reads = {id(x): node for node in stage for x in node.inputs}
    for node in stage:
        operation = node.operation
        if isinstance(operation, keras.layers.ZeroPadding2D):
            reader = reads.get(id(node.outputs[0]))
            if reader is not None and window_of(reader.operation) is not None:
                found[id(operation)] = keras.layers.Identity()  # "same" pads instead
            continue
        window = window_of(operation)
        if window is None:
            continue
        source = node.inputs[0]
        without_pad = _is_left_out(source.node, found)
        if source.node is not None and without_pad:
            source = source.node.inputs[0]
        strided = max(operation.strides) > 1
        settings: dict[str, Any] = {}
        if strided:
            settings["strides"] = (1, 1)
        if (strided or without_pad) and max(window) > 1:
            settings["padding"] = "same"
        if isinstance(operation, _CONVOLUTIONS):
            if features.levels.get(id(source)) == 32 and max(window) > 1:
                settings["dilation_rate"] = tuple(2 * rate for rate in operation.dilation_rate)
        elif strided and (max(window) == 1 or _is_stride(operation)):
            found[id(operation)] = keras.layers.Identity()
            continue
        if settings:
            found[id(operation)] = changed(found.get(id(operation), operation), **settings)
    return found


def _is_left_out(node: Node | None, standing: Operations) -> bool:
    """Whether it is a padding for which an Identity stands in."""
    padding = node is not None and isinstance(node.operation, keras.layers.ZeroPadding2D)
    return padding and node is not None and id(node.operation) in standing


def _is_stride(pool: Any) -> bool:
    return isinstance(pool, keras.layers.MaxPooling2D) and tuple(pool.pool_size) == tuple(
        pool.strides
    )


def copied(
    graph: Graph,
    start: Tensor,
    image: keras.KerasTensor,
    nodes: Mapping[int, Node],
    *,
    standing: Operations,
    expects: Expected,
    weights: bool,
    trainable: bool,
) -> dict[int, Any]:
    """The graph's layers anew, called `encoder_` and their own name, on another image.

    Args:
        graph: of the network; it is only read.
        start: the tensor that the image stands for.
        image: as the network expects it.
        nodes: stride -> what computes the features.
        standing: layers that stand in for others; an Identity leaves one out.
        expects: what is done to the first kernel.
        weights: whether to copy weights; else they start as the layers' settings say.
        trainable: False freezes every layer.

    Returns:
        Stride -> features.
    """
    values: dict[int, Any] = {id(start): image}
    layers = _Layers(standing, trainable)
    first = expects.bgr or expects.gain != 1
    for node in Graph(graph.inputs, [n.outputs[0] for n in nodes.values()]).nodes():
        if any(id(x) not in values for x in node.inputs) or id(node.outputs[0]) in values:
            continue  # in front of `start`
        if isinstance(standing.get(id(node.operation)), keras.layers.Identity):
            values[id(node.outputs[0])] = values[id(node.inputs[0])]
            continue
        fresh = not layers.knows(node.operation)
        layer = layers.of(node.operation)
        args, kwargs = node.arguments_from(values)
        kwargs.pop("training", None)  # a model's own goes before what its calls recorded
        results = tree.flatten(layer(*args, **kwargs))
        values |= {id(x): y for x, y in zip(node.outputs, results, strict=True)}
        if not weights or not fresh or not isinstance(layer, keras.Layer):
            continue
        if first and isinstance(layer, keras.layers.Conv2D):
            copy_first(node.operation, layer, expects)
            first = False
        else:
            layer.set_weights(node.operation.get_weights())
    return {stride: values[id(node.outputs[0])] for stride, node in nodes.items()}


def _plain_name(operation: Any) -> str:
    """The name, without the number that Keras gives to a layer without one: it counts on from
    model to model, and the same network would have other names every time."""
    own: str = operation.name
    stem = re.sub(r"_\d+$", "", own)
    return stem if stem.replace("_", "") == type(operation).__name__.lower() else own


class _Layers:
    """The new layer of each layer, with names that are each used once."""

    def __init__(self, standing: Operations, trainable: bool) -> None:
        self._standing, self._trainable = standing, trainable
        self._made: dict[int, Any] = {}
        self._names: set[str] = set()

    def knows(self, operation: Any) -> bool:
        return id(operation) in self._made

    def of(self, operation: Any) -> Any:
        if not self.knows(operation):
            made = self._new(operation)
            if not self._trainable and isinstance(made, keras.Layer):
                made.trainable = False
            self._made[id(operation)] = made
        return self._made[id(operation)]

    def _new(self, operation: Any) -> Any:
        name = self._free(f"encoder_{_plain_name(operation)}")
        if not isinstance(operation, keras.Layer):
            return twin(operation, name)
        settings = self._standing.get(id(operation), operation)
        try:
            return type(operation).from_config(settings.get_config() | {"name": name})
        except Exception as error:  # the class is someone else's
            if not operation.variables:
                return twin(operation, name)
            raise ValueError(
                f"`encoder`: the layer {operation.name!r} ({type(operation).__name__}) can't be "
                f"copied: {first_line(error)}. Give its class a `get_config` that its "
                "`from_config` takes."
            ) from error

    def _free(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self._names:
            candidate, number = f"{name}_{number}", number + 1
        self._names.add(candidate)
        return candidate
