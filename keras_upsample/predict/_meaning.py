"""Meaning of a network's output: class scores, a picture or numbers; never guessed from a shape."""

from dataclasses import dataclass

import numpy as np

from ..metadata import TASKS, Output

PICTURES = ("super_resolution", "restoration")
SCORES = ("segmentation", "binary_segmentation", "multi_label_segmentation")

_NAMES = {
    "logits": "logits",
    "prob": "probabilities",
    "enlarged": "picture",
    "class_map": "class_map",
}
"""Part of an output's name -> its kind: names that this package gives, and many others too."""


@dataclass(frozen=True)
class Meaning:
    """The meaning of an output.

    Attributes:
        task: one of `TASKS`.
        kind: kind of the output, one of `metadata.KINDS`.
        taken: lines on facts that were read from names, the graph or the output for noise.
        assumed: lines on facts that are unknown and were assumed.
    """

    task: str
    kind: str
    taken: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """All known facts about an output.

    Attributes:
        model: name of the model, for messages.
        output: the output in the metadata.
        task: task given by the user or the metadata; "" if there is none.
        activation: the last activation in the graph, "" if unknown.
        values: (H', W', K), the output for noise.
        scale: output pixels per input pixel.
        channels: number of input channels.
        graph_known: whether the graph was read, so that an empty `activation` means that there is
            none.
    """

    model: str
    output: Output
    task: str
    activation: str
    values: np.ndarray
    scale: int
    channels: int | None
    graph_known: bool


def meaning_of(seen: Evidence) -> Meaning:
    """Find the task and the kind of an output.

    Raises:
        ValueError: the meaning of the output is not given and more than one is likely, or the given
            meaning does not fit the output.
    """
    kind, why = _kind(seen)
    if seen.task:
        return _check(seen, seen.task, kind, why)
    count = seen.values.shape[-1]
    if kind == "class_map":
        return Meaning("segmentation", kind, why)
    if kind == "picture":
        return Meaning("super_resolution" if seen.scale > 1 else "restoration", kind, why)
    if kind == "regression":
        return Meaning("regression", kind, why)
    if kind == "logits":
        return Meaning("segmentation" if count > 1 else "binary_segmentation", kind, why)
    like_a_picture = count in (1, 3) and count == seen.channels
    if kind == "probabilities" and seen.activation != "sigmoid":
        if count == 1 and not why:
            return Meaning("binary_segmentation", kind, why)
        return Meaning("segmentation" if count > 1 else "binary_segmentation", kind, why)
    if kind == "probabilities" and not (like_a_picture and (count > 1 or seen.scale > 1)):
        return Meaning(
            "binary_segmentation" if count == 1 else "multi_label_segmentation", kind, why
        )
    if (
        kind == ""
        and seen.activation == ""
        and count > 1
        and not (seen.scale > 1 and like_a_picture)
    ):
        line = (
            f"Nothing says what the {count} channels of {seen.output.name or 'the output'!r} are; "
            "scores of classes are assumed. Say otherwise by `task` (--task)."
        )
        return Meaning("segmentation", "logits", why, (line,))
    raise ValueError(
        f"{seen.model!r} gives {count} channel{'s' * (count != 1)}"
        f"{f' through {seen.activation}' if seen.activation else ''} and nothing says what they "
        f"are. Say it by `task` (--task): {', '.join(TASKS)}."
    )


def _kind(seen: Evidence) -> tuple[str, tuple[str, ...]]:
    """The kind by the metadata, else the graph, else the name, else the values."""
    if seen.output.kind:
        return seen.output.kind, ()
    if seen.values.dtype.kind in "iub" or seen.activation == "class_map":
        return "class_map", ("The output holds class numbers, by the graph.",)
    if seen.activation in ("softmax", "sigmoid"):
        return "probabilities", (f"The output is probabilities: it ends with {seen.activation}.",)
    for part, kind in _NAMES.items():
        if part in seen.output.name:
            return kind, ()
    if not seen.graph_known and _like_probabilities(seen.values):
        return "probabilities", ("The output is probabilities: it sums to 1 on noise.",)
    return "", ()


def _like_probabilities(values: np.ndarray) -> bool:
    inside = bool(values.min() >= 0 and values.max() <= 1 + 1e-6)
    return inside and values.shape[-1] > 1 and bool(np.allclose(values.sum(-1), 1, atol=1e-2))


_KIND_OF_TASK = {
    "super_resolution": "picture",
    "restoration": "picture",
    "regression": "regression",
}


def _check(seen: Evidence, task: str, kind: str, why: tuple[str, ...]) -> Meaning:
    """Check that the output can have the given task."""
    if task not in TASKS:
        raise ValueError(
            f"`task` must be one of {', '.join(map(repr, TASKS))}. Received: {task!r}."
        )
    count = seen.values.shape[-1]
    reasons = {
        "binary_segmentation": (kind != "class_map" and count != 1, "needs one channel"),
        "super_resolution": (seen.scale == 1, "needs an output larger than the input"),
        "restoration": (seen.scale != 1, "needs an output as large as the input"),
    }
    wrong, need = reasons.get(task, (False, ""))
    if task in PICTURES and count not in (1, 3):
        wrong, need = True, "needs 1 or 3 channels"
    if task == "segmentation" and count == 1 and kind != "class_map":
        wrong, need = True, "needs two or more channels (one is 'binary_segmentation')"
    if wrong:
        raise ValueError(
            f"`task`: {task!r} {need}. {seen.model!r} gives {seen.values.shape} at scale "
            f"{seen.scale}."
        )
    if task in _KIND_OF_TASK:
        return Meaning(task, _KIND_OF_TASK[task], why)
    if kind in ("logits", "probabilities", "class_map"):
        return Meaning(task, kind, why)
    if kind in ("picture", "regression"):
        raise ValueError(f"`task`: {task!r} does not fit an output that is a {kind}.")
    inside = bool(seen.values.min() >= 0 and seen.values.max() <= 1 + 1e-6)
    if not seen.graph_known and inside:
        line = "The output is taken for probabilities: all its values on noise are in [0, 1]."
        return Meaning(task, "probabilities", why, (line,))
    return Meaning(task, "logits", why)
