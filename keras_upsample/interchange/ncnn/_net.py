"""A net of ncnn as a Keras model: layer after layer."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from ...errors import ArtefactError, first_line
from ...program._graph import Graph, Tensor
from ...program._write import model_of
from .._context import layer_name
from . import _activations, _arithmetic, _convolutions, _maps
from ._param import NcnnError, NcnnLayer
from ._place import Known, Place
from ._value import Extent, Value
from ._weights import Weights

KINDS: Mapping[str, Callable[[Place], Any]] = MappingProxyType(
    {**_activations.KINDS, **_arithmetic.KINDS, **_convolutions.KINDS, **_maps.KINDS}
)
"""Type of a layer -> what reads it: (place) -> a value, or a list of them."""


class Frame(Protocol):
    """What stands around a net."""

    def before(self, image: Value) -> Value:
        """What the net reads, made of the image."""

    def after(self, result: Value, image: Tensor) -> Tensor:
        """The model's output, made of the net's."""


_INPUT, _CONSTANT = "Input", "MemoryData"


def build(
    layers: Sequence[NcnnLayer],
    content: bytes,
    image: tuple[int | None, int | None, int],
    multiple: int,
    name: str,
    frame: Frame | None = None,
) -> Any:
    """The model: images (N, H, W, C) -> images.

    Args:
        layers: of the `.param` file.
        content: the `.bin` file.
        image: height, width and channels; None for an open height or width.
        multiple: what open sizes are multiples of.
        name: of the model.
        frame: what stands around the net, for nets whose callers pad and crop.

    Raises:
        ArtefactError: a layer is not read, or the weights do not fit; the message names it.
    """
    import keras

    weights = Weights(content)
    known: dict[str, Known] = {}
    inputs: list[Tensor] = []
    taken: dict[str, None] = {}
    used = {blob for layer in layers for blob in layer.inputs}
    for layer in layers:
        plain = layer_name(layer.name, taken)
        taken[plain] = None
        try:
            if layer.kind == _INPUT:
                inputs.append(Tensor(keras.KerasTensor((None, *image), dtype="float32")))
                extents = _extent(image[0], multiple), _extent(image[1], multiple)
                found: Any = Value(inputs[-1], *extents)
                if frame is not None:
                    found = frame.before(found)
            elif layer.kind == _CONSTANT:
                found = _constant(layer, weights)
            elif layer.kind in KINDS:
                place = Place(layer, [known[blob] for blob in layer.inputs], weights, plain)
                found = KINDS[layer.kind](place)
            else:
                raise NcnnError("layers of this type are not read yet")
        except (NcnnError, ValueError) as error:  # of Keras, for a geometry that it has not
            raise ArtefactError(
                f"{layer.kind} at layer {layer.name!r} can't be read: {_text(error)}. Nothing "
                "was made of it."
            ) from error
        results = found if isinstance(found, list) else [found]
        if len(results) != len(layer.outputs):
            raise ArtefactError(
                f"{layer.kind} at layer {layer.name!r} has {len(layer.outputs)} outputs, where "
                f"its type has {len(results)}."
            )
        known |= dict(zip(layer.outputs, results, strict=True))
    ends = [blob for blob in known if blob not in used]
    values = [known[blob] for blob in ends]
    if len(inputs) != 1 or not ends:
        raise ArtefactError(
            f"it has {len(inputs)} inputs and {len(ends)} outputs; one input is read."
        )
    if weights.left:
        raise ArtefactError(
            f"the `.bin` file has {weights.left:,} bytes more than the layers need: it is of "
            "another net."
        )
    flowing = [value.tensor for value in values if isinstance(value, Value)]
    if len(flowing) < len(ends) or flowing == inputs:
        raise ArtefactError("an output depends on no layer.")
    if frame is not None:
        flowing = [frame.after(value, inputs[0]) for value in values if isinstance(value, Value)]
    graph = Graph(inputs, flowing, None if len(ends) > 1 else [0])
    model = model_of(graph, ["image"], name, inputs=0)  # the image itself, in no list
    if frame is None:  # which names the output by its last layer
        model.output_names = [layer_name(blob, {}) for blob in ends]
    return model


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, NcnnError) else first_line(error).rstrip(".")


def channels_of(layers: Sequence[NcnnLayer]) -> int | None:
    """Channels of the image: as the Input says, or as the weights of its convolution ask for."""
    first = next((layer for layer in layers if layer.kind == _INPUT), None)
    if first is None:
        return None
    try:
        if stated := first.whole(2):
            return stated
        same = set(first.outputs)
        for layer in layers:
            if layer.kind == "Split" and same & set(layer.inputs):
                same.update(layer.outputs)
            if layer.kind == "Convolution" and same & set(layer.inputs):
                across = layer.whole(1)
                area = across * layer.whole(11, across) * layer.whole(0)
                return layer.whole(6) // area if area else None
    except NcnnError:
        return None  # which the reader of that layer says
    return None


def _extent(length: int | None, multiple: int) -> Extent:
    return Extent(Fraction(length is None), length or 0, multiple)


def _constant(layer: NcnnLayer, weights: Weights) -> np.ndarray:
    width, height, channels = layer.whole(0), layer.whole(1), layer.whole(2)
    if layer.whole(11) or not width:
        raise NcnnError("a constant of 4 axes, or of none")
    shape = tuple(n for n in (channels, height, width) if n)
    kind = layer.whole(21, 1)
    if kind not in (0, 1) or len(shape) == 2:
        raise NcnnError(f"a constant (C, H, W) = {shape} of kind {kind}")
    return weights.plain(*shape) if kind else weights.tagged(*shape)
