"""An ONNX net as a Keras model: node after node."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ArtefactError, InputShapeError, first_line
from ..program._graph import Graph, Tensor
from ..program._write import model_of
from ._context import Context, Known, UnreadError, layer_name
from ._fold import folded, folded_at
from ._lengths import note_lengths, note_seen
from ._names import label_of
from ._net import OnnxNet, OnnxNode, computed
from ._observe import Observed
from ._open import FIX_THE_SIZE, Varying
from ._operators._all import ANY_LAYOUT, KINDS
from ._operators.open_sizes import OF_OPEN_SIZES, depends_on_size
from ._rules._all import recognised
from ._unread import OpenSizeError
from ._value import CHANNELS_LAST, Value

_SHAPE = "Shape"


def build(
    net: OnnxNet,
    shapes: Mapping[str, tuple[int | None, ...]],
    name: str,
    observed: Observed | None = None,
) -> Any:
    """The model, channels last.

    Args:
        net: the file.
        shapes: input -> its lengths in the order of ONNX; the batch counts as 1.
        name: of the model.
        observed: the file at several sizes, where lengths are None.

    Raises:
        ArtefactError: an operator is not read; the message names it, its node, and the reason.
    """
    import keras

    whole = folded_at(net, observed) if observed else folded(net, _fixed(shapes))
    net, notes = recognised(whole)
    seen = observed.shapes if observed else {}
    known: dict[str, Known] = {**net.constants, **whole.varying}
    inputs = []
    for label, shape in shapes.items():
        order = order_of(len(shape), net)
        stored = (None, *(shape[axis] for axis in order[1:]))
        spec = keras.KerasTensor(stored, dtype="float32")
        inputs.append(Tensor(spec))
        known[label] = Value(inputs[-1], order)
        if observed:
            note_lengths(inputs[-1], [whole.shapes[label][axis] for axis in order])
    taken: dict[str, None] = {}
    for node in net.nodes:
        outputs = _outputs(node, known, net.opset, taken, notes, seen, net.constants)
        known |= dict(zip(node.outputs, outputs, strict=False))
        read = [known[name] for name in node.inputs if name]
        tensors = [value.tensor for value in read if isinstance(value, Value)]
        for label, value in zip(node.outputs, outputs, strict=False):
            if label in seen and isinstance(value, Value):
                note_seen(value.tensor, value.order, seen[label], tensors)
    ends, names = [], []
    for label in net.outputs:
        if label not in known:
            raise ArtefactError(f"the output {label!r} is one that its operator is not read with.")
        value = known[label]
        if not isinstance(value, Value):
            raise ArtefactError(f"the output {label!r} depends on no input.")
        order = order_of(value.rank, net)
        last = Context(net.nodes[-1], [], net.opset, layer_name(f"{label}_order", taken))
        try:
            ends.append(last.ordered(value, order, "").tensor)
        except UnreadError as error:
            kind = InputShapeError if isinstance(error, OpenSizeError) else ArtefactError
            raise kind(f"the output {label!r} can't be given: {error}.") from error
        names.append(label)
    graph = Graph(inputs, ends, None if len(ends) > 1 else [0])
    names_in = [layer_name(label, {}) for label in shapes]
    # One input is taken as it is, several as a list.
    model = model_of(graph, names_in, name, None if len(names_in) > 1 else 0)
    model.output_names = [layer_name(label, {}) for label in names]
    return model


def order_of(rank: int, net: OnnxNet) -> tuple[int, ...]:
    """In which order inputs and outputs of the model have the axes of the file's: images have
    their channels last."""
    return tuple(range(rank)) if net.last or rank not in (4, 5) else CHANNELS_LAST[rank]


def _fixed(shapes: Mapping[str, tuple[int | None, ...]]) -> dict[str, tuple[int, ...]]:
    return {label: tuple(n for n in shape if n is not None) for label, shape in shapes.items()}


def _outputs(
    node: OnnxNode,
    known: dict[str, Known],
    opset: int,
    taken: dict[str, None],
    notes: Mapping[str, str],
    seen: Mapping[str, Sequence[tuple[int, ...]]],
    constants: Container[str],
) -> Sequence[Known]:
    inputs = [known.get(name) if name else None for name in node.inputs]
    if node.kind == _SHAPE and isinstance(inputs[0], Value):
        first, last = node.attributes.get("start", 0), node.attributes.get("end")
        return [np.array(inputs[0].shape[first:last], np.int64)]
    flowing = [value for value in inputs if isinstance(value, Value)]
    try:
        if any(isinstance(value, Varying) for value in inputs) and not flowing:
            raise OpenSizeError(FIX_THE_SIZE)
        if not flowing:
            return computed(node, opset, inputs)  # type: ignore[arg-type]
        if node.kind not in KINDS:
            raise UnreadError("this operator is not read yet")
        name = layer_name(label_of(node, constants), taken)
        taken[name] = None
        context = Context(node, inputs, opset, name, known, seen.get(node.outputs[0], ()))
        if node.kind not in ANY_LAYOUT:
            context.inputs = [
                context.joined(each, suffix=f"_join{place}") if isinstance(each, Value) else each
                for place, each in enumerate(inputs)
            ]
        of_open = OF_OPEN_SIZES.get(node.kind)
        result = of_open(context) if of_open and depends_on_size(context) else None
        if result is None:
            result = KINDS[node.kind](context)
        return result if isinstance(result, list) else [result]
    except UnreadError as error:
        note = notes.get(node.outputs[0])
        nearly = f" The node is nearly part of a group that is read as one, {note}." if note else ""
        kind = InputShapeError if isinstance(error, OpenSizeError) else ArtefactError
        raise kind(
            f"{node.kind} at node {node.name!r} can't be read: {error}.{nearly} Nothing was made "
            "of it."
        ) from error
    except Exception as error:  # of NumPy, Keras, TensorFlow, ONNX: inputs that don't fit together
        raise ArtefactError(
            f"{node.kind} at node {node.name!r} can't be read: {first_line(error)}. Nothing was "
            "made of it."
        ) from error
