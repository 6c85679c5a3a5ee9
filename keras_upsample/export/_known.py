"""What a model's inputs and outputs mean: from metadata, from the graph, or assumed."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._others import _keras
from ..introspection._facts import NOTHING, Door, GraphFacts
from ..introspection._keras import facts_of_program
from ..lowering._head import Scores
from ..metadata import Input, Metadata, Output, Scaling, of
from ..metadata._values import numbers
from ..program._program import Program, program_of
from ..program._signature import Signature, output_names_of

_APART = 8.0
"""By which factor two ranges differ that can't both be meant."""


@dataclass(frozen=True)
class Known:
    """A model's metadata, completed from its graph.

    Attributes:
        metadata: metadata with an `Input` for each input; unknown facts stay None.
        taken: lines on facts that were read from the graph.
        assumed: lines on facts that are unknown, with the assumption.
        graph: facts of the graph.
    """

    metadata: Metadata
    taken: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    graph: GraphFacts = NOTHING


def known(program: Program, given: Metadata | None = None) -> Known:
    """Complete the metadata of a Keras model from its graph.

    Args:
        program: program of the model.
        given: the user's metadata. Default: the metadata that the model carries.

    Raises:
        ValueError: the graph contradicts the metadata.
    """
    model, facts = program.model, facts_of_program(program)
    metadata = given if given is not None else of(model)
    by_name = {item.name: item for item in metadata.inputs}
    taken: list[str] = []
    assumed: list[str] = []
    inputs = []
    for index, spec in enumerate(program.signature.inputs):
        first = metadata.input if index == 0 else Input()
        item = replace(by_name.get(spec.name, first), name=spec.name, dtype=spec.dtype)
        if len(spec.shape) in (4, 5):  # pictures, volumes
            item = replace(item, size=(spec.shape[-3], spec.shape[-2]))
            door = facts.doors[index] if facts.doors else Door()
            item = judge_input(
                item, metadata.preprocessing, door.value_range, door.because, taken, assumed
            )
        inputs.append(item)
    outputs = _with_kinds(metadata.outputs, output_names(model), facts)
    _check_class_names(model, outputs)
    whole = replace(metadata, inputs=tuple(inputs), outputs=outputs)
    return Known(whole, tuple(taken), tuple(assumed), facts)


def _check_class_names(model: Any, outputs: tuple[Output, ...]) -> None:
    """Check for one name per channel; a single channel may have one name or two.

    Raises:
        ValueError: an output has another number of channels.
    """
    tensors = getattr(model, "outputs", None) or ()
    for output, tensor in zip(outputs, tensors, strict=False):
        channels = tensor.shape[-1] if len(tensor.shape) > 1 else None
        count = len(output.class_names)
        if not count or channels is None or output.kind == "class_map":
            continue
        if count != channels and not (channels == 1 and count == 2):
            raise ValueError(
                f"`class_names` must name the {channels} channels of the output {output.name!r}. "
                f"Received {count}: {', '.join(output.class_names)}."
            )


def judge_input(
    item: Input,
    preprocessing: str,
    graph_range: tuple[float, float] | None,
    because: str,
    taken: list[str],
    assumed: list[str],
) -> Input:
    """Complete an input's scaling by the metadata, else by the graph, else by its dtype.

    Args:
        item: the input in the metadata.
        preprocessing: the scaling in words, for models from before there was metadata.
        graph_range: range of values that the graph expects, None if it does not show one.
        because: the operators that show this range.
        taken: list to which a line on facts from the graph is appended.
        assumed: list to which a line on assumed facts is appended.

    Raises:
        ValueError: the graph contradicts the metadata.
    """
    if item.scaling is None and item.value_range is None:
        item = replace(item, scaling=_in_words(preprocessing))
    said, name = item.value_range, item.name or "the input"
    if graph_range is not None and said is not None and _apart(said, graph_range):
        raise ValueError(
            f"The metadata says that {name!r} takes values {_range(said)}, and the graph is made "
            f"for {_range(graph_range)}: {because}. Correct the metadata (`value_range`, "
            "`scaling`, `preprocessing`)."
        )
    if item.scaling is not None:
        return item
    if said is not None:
        return replace(item, scaling=Scaling.to_range(*said))
    if graph_range is not None:
        taken.append(f"Values of {name!r} are {_range(graph_range)}, by the graph: {because}.")
        return replace(item, scaling=Scaling.to_range(*graph_range))
    whole = _of_integers(item.dtype)
    if whole is not None:
        taken.append(f"Values of {name!r} are {_range(whole)}: it takes {item.dtype}.")
        return replace(item, scaling=Scaling.to_range(*whole))
    assumed.append(
        f"Nothing says what values {name!r} takes: 0 to 1 is assumed. Say it by metadata (a "
        "`scaling`) or, to predict, by `normalization`."
    )
    return item


def check_normalization(
    name: str, dtype: str, given: Scaling, graph_range: tuple[float, float] | None, because: str
) -> None:
    """Raise if the graph or the dtype expects other values than the user's scaling gives.

    Raises:
        ValueError: it does. `"none"` gives no range of values and is accepted.
    """
    made_for = graph_range or _of_integers(dtype)
    said = given.value_range
    if made_for is None or said is None or not _apart(said, made_for):
        return
    raise ValueError(
        f"`normalization` gives {name!r} values {_range(said)}, and it is made for "
        f"{_range(made_for)}: {because if graph_range else f'it takes {dtype}'}. Leave "
        "`normalization` out, or choose 'none' if pictures hold such values already."
    )


def _of_integers(dtype: str) -> tuple[float, float] | None:
    """The range of an unsigned integer dtype of pictures, from 0 to its largest value."""
    return (0.0, float(np.iinfo(dtype).max)) if dtype in ("uint8", "uint16") else None


def _in_words(preprocessing: str) -> Scaling | None:
    """`"float32 RGB in [-1, 1]"`, `"by percentiles"`, as models of before metadata say it."""
    import re

    if "percentiles" in preprocessing:
        return Scaling("percentiles")
    number = r"([-−]?\d+(?:\.\d+)?)"
    found = re.search(rf"\[{number}, ?{number}\]", preprocessing)
    if found is None:
        return None
    low, high = (float(text.replace("−", "-")) for text in found.groups())
    return Scaling.to_range(low, high) if low < high else None


def _apart(a: tuple[float, float], b: tuple[float, float]) -> bool:
    reach = [max(abs(low), abs(high)) for low, high in (a, b)]
    return max(reach) > _APART * min(reach)


def _range(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g} to {ends[1]:g}"


_KINDS = {
    "softmax": "probabilities",
    "sigmoid": "probabilities",
    "class_map": "class_map",
}


def output_names(model: Any) -> list[str]:
    """Names of the outputs in the model's order; empty if only a call of the model shows them."""
    if not getattr(model, "inputs", None):
        return []
    structure = _keras.outputs_structure(model)  # a Sequential has but one output
    return output_names_of(model, model.outputs[0] if structure is None else structure)


def _with_kinds(
    outputs: tuple[Output, ...], names: list[str], facts: GraphFacts
) -> tuple[Output, ...]:
    """One output for each name, with the kind in the metadata, else by the graph."""
    if not names:
        return outputs
    by_name = {output.name: output for output in outputs}
    result = []
    for index, name in enumerate(names):
        first = outputs[index] if index < len(outputs) and not outputs[index].name else Output()
        output = replace(by_name.get(name, first), name=name)
        activation = facts.activations[index] if index < len(facts.activations) else ""
        if not output.kind and activation in _KINDS:
            output = replace(output, kind=_KINDS[activation])
        result.append(output)
    return tuple(result)


def scores_of(found: Known, head: str | None, threshold: float | None) -> Scores:
    """The facts about a model's scores that a head needs.

    Args:
        found: known facts of the model.
        head: head to append to the scores.
        threshold: the user's threshold in the unit of the scores. None: the metadata's.

    Raises:
        ValueError: a threshold for a head without one, or a threshold that is not a number.
    """
    if threshold is None:
        limit = found.metadata.output.threshold
    elif head not in ("argmax", "threshold"):
        raise ValueError(f"`threshold` is for head='threshold' or 'argmax'. Received: {head!r}.")
    else:
        limit = numbers("threshold", threshold)[0]
    output = found.metadata.output
    kind = output.kind or ("logits" if "logits" in output.name else "")
    return Scores(kind, limit)


def program_with_meaning(model: Any, signature: Signature) -> Program:
    """A model's program with the meaning of its inputs; see `known` and `with_meaning`."""
    program = program_of(model, signature)
    return with_meaning(program, known(program).metadata)


def with_meaning(program: Program, metadata: Metadata) -> Program:
    """The program with the meaning of its inputs: range of values and scaling of pictures."""
    by_name = {item.name: item for item in metadata.inputs}
    inputs = tuple(
        replace(
            spec,
            scaling=by_name[spec.name].scaling or spec.scaling,
            value_range=by_name[spec.name].value_range,
        )
        if spec.name in by_name
        else spec
        for spec in program.signature.inputs
    )
    return replace(program, signature=replace(program.signature, inputs=inputs), metadata=metadata)
