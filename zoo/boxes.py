"""The feature maps of a model worth a box in its drawing, read off its own Keras graph."""

import dataclasses
import math
from typing import Any

JOINS = ("SkipFusion2D", "Add", "Concatenate")
LONG_ENCODER = 16  # convolutions; from more of them only what the decoder takes gets a box


@dataclasses.dataclass
class Box:
    """One feature map."""

    kind: str
    size: tuple[int, int]
    channels: int
    caption: str
    parents: list[tuple["Box", bool]]  # the box, and whether an upsampling lies between
    x: float = 0.0
    y: float = 0.0  # of the centre

    @property
    def width(self) -> float:
        return 3 + 2.4 * math.log2(self.channels + 1)

    @property
    def height(self) -> float:
        return 170 * (max(self.size) / 256) ** 0.6


def boxes_of(model: Any) -> list[Box]:
    """The feature maps worth a box, in the model's order; other layers become part of an arrow."""
    made: dict[int, list[tuple[Box, bool]]] = {}  # tensor -> boxes that it comes from
    boxes = []
    taken = _taken_from_a_long_encoder(model)
    for layer in _chain_by_chain(model):
        kind, caption = _kind(layer)
        if taken is not None and layer.name.startswith("encoder_"):
            kind, caption = ("stage" if id(layer.output) in taken else None), ""
        inputs, outputs = _list(layer.input), _list(layer.output)
        parents = [source for tensor in inputs for source in made.get(id(tensor), [])]
        parents = list({id(box): (box, up) for box, up in parents}.values())
        if layer.name in ("head_crop", "decoder_crop_pool4", "decoder_crop_pool3"):
            parents = made[id(inputs[0])]  # the second input only tells the size
        if kind is None or len(outputs[0].shape) != 4:  # or tokens of a transformer
            up = "_up" in layer.name
            made |= {
                id(tensor): [(box, risen or up) for box, risen in parents] for tensor in outputs
            }
            continue
        _, height, width, channels = outputs[0].shape
        box = Box(kind, (height, width), channels, caption, parents)
        boxes.append(box)
        made[id(outputs[0])] = [(box, False)]
        # The second output of a pooling is where its maxima were, at the size that it was given.
        made |= {id(tensor): parents for tensor in outputs[1:]}
    return boxes


def _chain_by_chain(model: Any) -> list[Any]:
    """The layers from input to output, each chain to its end before the next; the longest first."""
    takers: dict[int, list[Any]] = {}
    waits_for = {}
    for layer in model.layers:
        inputs = {id(tensor) for tensor in _list(layer.input)} if layer.name != "image" else set()
        waits_for[layer.name] = inputs
        for tensor in inputs:
            takers.setdefault(tensor, []).append(layer)
    ahead: dict[str, int] = {}  # layers until the output
    for layer in reversed(model.layers):
        behind = [t for tensor in _list(layer.output) for t in takers.get(id(tensor), [])]
        ahead[layer.name] = 1 + max((ahead[t.name] for t in behind), default=0)
    order, stack = [], [model.get_layer("image")]
    while stack:
        layer = stack.pop()
        order.append(layer)
        ready = []
        for tensor in map(id, _list(layer.output)):
            for taker in takers.get(tensor, []):
                waits_for[taker.name].discard(tensor)
                if not waits_for[taker.name] and taker not in ready:
                    ready.append(taker)
        stack += sorted(ready, key=lambda taker: ahead[taker.name])
    return order


def _list(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]


def _taken_from_a_long_encoder(model: Any) -> set[int] | None:
    """The tensors that the decoder takes from the encoder; None if the encoder is short."""
    inside = [layer for layer in model.layers if layer.name.startswith("encoder_")]
    if sum("Conv2D" in type(layer).__name__ for layer in inside) <= LONG_ENCODER:
        return None
    outside = [layer for layer in model.layers if layer not in inside]
    return {id(tensor) for layer in outside for tensor in _list(layer.input)}


def _kind(layer: Any) -> tuple[str | None, str]:
    name, sort = layer.name, type(layer).__name__
    if sort == "InputLayer":
        return "image", ""
    if sort in ("MaxPooling2D", "MaxPoolingWithIndices2D"):
        return "pool", ""
    if sort == "GlobalAveragePooling2D":
        return "mean", ""
    if sort in JOINS:
        return "join", "+" if sort == "Add" or getattr(layer, "mode", "") == "add" else ""
    if name.startswith("decoder_score"):
        return "score", ""
    if name == "logits":
        return "score", ""
    if name == "head_conv" or "_up" in name or sort not in ("Conv2D", "DepthwiseConv2D"):
        return None, ""
    kernel, rate = layer.kernel_size[0], layer.dilation_rate[0]
    if sort == "DepthwiseConv2D":
        return "conv", "dw" if rate == 1 else f"dw {rate}"
    return "conv", "" if kernel == 3 else f"{kernel}×{kernel}"
