"""Heads: an argmax, a threshold, a softmax or a sigmoid appended to a model's scores."""

from dataclasses import dataclass, replace
from typing import Any

import keras

from ..program._graph import Graph, Tensor, apply
from ..program._keras_reader import softmax_of
from ..program._last_activation import last_activation
from ..program._program import Program
from ..program._read import NotAGraphError
from ..program._twin import twin

HEADS = ("argmax", "softmax", "sigmoid", "threshold")


@keras.saving.register_keras_serializable(package="keras_upsample")
class ClassMap(keras.layers.Layer):
    """Argmax over the channels, in the smallest integer type that holds it.

    y = argmax_c x[..., c], the first one in a tie: `0.1 2 0.5` -> 1.

    Input: (..., C) of floats, C known. Output: (...), uint8 for up to 256 classes, else int32.
    """

    def call(self, inputs: Any) -> Any:
        # keras.ops.argmax asks for int64, which LiteRT has no operator for.
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            index = tf.argmax(inputs, axis=-1, output_type=tf.int32)
        else:
            index = keras.ops.argmax(inputs, axis=-1)
        return keras.ops.cast(index, _integer_for(inputs.shape[-1]))

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape[:-1], dtype=_integer_for(inputs.shape[-1]))


def _integer_for(classes: int | None) -> str:
    return "uint8" if classes is not None and classes <= 256 else "int32"


@keras.saving.register_keras_serializable(package="keras_upsample")
class ThresholdMap(keras.layers.Layer):
    """Threshold of the scores: y = 1 where x >= threshold, else 0, as uint8.

    Input: (..., C) of floats. Output: (...) for one channel, else (..., C).

    Args:
        threshold: in the units of the scores.
    """

    def __init__(self, threshold: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = float(threshold)

    def call(self, inputs: Any) -> Any:
        if inputs.shape[-1] == 1:
            inputs = keras.ops.squeeze(inputs, axis=-1)
        # A tensor of the input's own dtype: a Python number would be weak in one backend only.
        limit = keras.ops.cast(self.threshold, inputs.dtype)
        return keras.ops.cast(inputs >= limit, "uint8")

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        shape = inputs.shape[:-1] if inputs.shape[-1] == 1 else inputs.shape
        return keras.KerasTensor(shape, dtype="uint8")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}


@dataclass(frozen=True)
class Scores:
    """Facts about the scores that a head is appended to.

    Attributes:
        kind: `"logits"` or `"probabilities"`, "" if unknown.
        threshold: threshold in the unit of the scores; None for a probability of 0.5 or a logit
            of 0.
    """

    kind: str = ""
    threshold: float | None = None


UNKNOWN = Scores()


def add_head(program: Program, head: str | None, known: Scores = UNKNOWN) -> Program:
    """Append a head to the program's output; None returns the program unchanged.

    `"argmax"`: the number of the channel with the highest score; for one channel `"threshold"`.
    `"threshold"`: 1 where a score reaches the threshold, for each channel separately.
    `"softmax"`: probabilities; for one channel `"sigmoid"`.
    `"sigmoid"`: probabilities, for each channel separately.

    `"softmax"` and `"sigmoid"` change nothing if the model already ends with an activation of that
    kind. `"argmax"` removes a softmax at the end, which does not change the argmax.

    Args:
        program: program of a model with one output of scores, channels last.
        head: one of the above, or None.
        known: facts about the scores that the graph does not show.

    Raises:
        ValueError: there is no such head; the model does not have exactly one output of scores,
            channels last; its graph can't be read; or the threshold is unknown.
    """
    if head is None:
        return program
    if head not in HEADS:
        raise ValueError(
            f"`head` must be None or one of {', '.join(map(repr, HEADS))}. Received: {head!r}."
        )
    try:
        result = _with_head(program, head, known)
        result.check_open_sizes()
    except NotAGraphError as error:
        raise ValueError(
            f"`head={head!r}` can't be put behind the model {program.name!r}: {error}. Give an "
            "`input_shape` of known sizes, or put it there in your own code."
        ) from error
    return result


def _with_head(program: Program, head: str, known: Scores) -> Program:
    graph = program.graph.copy()
    shapes = [tensor.shape for tensor in graph.outputs]
    if len(shapes) != 1 or len(shapes[0]) < 2 or not shapes[0][-1]:
        raise ValueError(
            f"`head={head!r}` needs a model with one output of scores, channels last. "
            f"Received a model with outputs of the shapes {', '.join(map(str, shapes))}."
        )
    layer, scores = _layer_for(head, graph.outputs[0], known, program.name)
    _, output = apply(layer, scores, source=("head",))
    result = program.changed(Graph(graph.inputs, [output], output), names=())
    kind = "probabilities" if head in ("softmax", "sigmoid") else "class_map"
    name = result.output_names[0]
    meaning = program.metadata.with_output(kind=kind, name=name, threshold=None)
    return replace(result, metadata=meaning)


def _layer_for(head: str, scores: Tensor, known: Scores, model: str) -> tuple[Any, Tensor]:
    """The layer of the head, and the tensor that it reads."""
    activation = last_activation(scores)
    single = scores.shape[-1] == 1
    squashed = known.kind == "probabilities" or activation in ("softmax", "sigmoid")
    if activation == "class_map" or known.kind == "class_map":
        raise ValueError(f"`head={head!r}`: {model!r} gives class numbers already. Leave it out.")
    if head == "argmax" and not single:
        return ClassMap(name="class_map", dtype="float32"), _before_softmax(scores)
    if head in ("argmax", "threshold"):
        limit = known.threshold
        if limit is None and not squashed and known.kind != "logits":
            raise ValueError(
                f"`head={head!r}`: nothing says whether {model!r} gives probabilities or logits. "
                "Pass `threshold` (--threshold), in the units of its output: 0.5 of probabilities, "
                "0 of logits."
            )
        if limit is None:
            limit = 0.5 if squashed else 0.0
        return ThresholdMap(limit, name="class_map", dtype="float32"), scores
    if squashed:
        if head == "softmax" and activation == "sigmoid" and not single:
            raise ValueError(
                f"`head='softmax'`: {model!r} ends with a sigmoid of each channel, and a softmax "
                "behind it would squash probabilities once more. Leave it out, or take "
                "head='argmax'."
            )
        return keras.layers.Identity(name="probabilities", dtype="float32"), scores
    if head == "softmax" and not single:
        return keras.layers.Softmax(name="probabilities", dtype="float32"), scores
    return keras.layers.Activation("sigmoid", name="probabilities", dtype="float32"), scores


def _before_softmax(scores: Tensor) -> Tensor:
    """The input of a softmax at the end; if it is a layer's activation, the layer without it."""
    node = scores.node
    if node is None:
        return scores
    layer = node.operation
    softmax = softmax_of(node)
    if softmax is not None and softmax.axis in (-1, len(scores.shape) - 1):
        return softmax.x
    if getattr(layer, "activation", None) is not keras.activations.softmax:
        return scores
    if type(layer) is keras.layers.Activation:
        return node.inputs[0]
    linear = twin(layer)
    object.__setattr__(linear, "activation", keras.activations.linear)
    _, output = apply(linear, *node.args, source=node.source, **node.kwargs)
    return output
