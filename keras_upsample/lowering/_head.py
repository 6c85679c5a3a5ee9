"""What comes behind a network's scores: a class map, or probabilities."""

from typing import TYPE_CHECKING, Any

import keras

from ._assemble import model_at
from ._flatten import NotAGraphError, graph_at, is_functional
from ._graph import Tensor, applied
from ._open_sizes import check_open_sizes
from ._twin import twin

if TYPE_CHECKING:
    from ..export._signature import Signature

HEADS = ("argmax", "softmax")


@keras.saving.register_keras_serializable(package="keras_upsample")
class ClassMap(keras.layers.Layer):
    """The number of the strongest channel, in the smallest integer type that holds it.

    y = argmax_c x[..., c], the first of equals: `0.1 2 0.5` -> 1.

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


def with_head(model: Any, signature: "Signature", head: str) -> "tuple[Any, Signature]":
    """The model with a head behind its output, and its signature; the model stays as it is.

    A softmax at the end of the model is dropped under "argmax", which it does not change.

    Raises:
        ValueError: no such head; the model has not one output of scores with two or more channels
            last, or can't be taken apart.
    """
    if head not in HEADS:
        raise ValueError(
            f"`head` must be None, {' or '.join(map(repr, HEADS))}. Received: {head!r}."
        )
    try:
        return _headed(model, signature, head)
    except NotAGraphError as error:
        raise ValueError(
            f"`head={head!r}` can't be put behind the model {model.name!r}: {error}. Give an "
            "`input_shape` of known sizes, or put it there in your own code."
        ) from error


def _headed(model: Any, signature: "Signature", head: str) -> "tuple[Any, Signature]":
    graph, _ = graph_at(model, signature)
    shapes = [tensor.shape for tensor in graph.outputs]
    if len(shapes) != 1 or len(shapes[0]) < 2 or (shapes[0][-1] or 0) < 2:
        raise ValueError(
            f"`head={head!r}` needs a model with one output of two or more channels, last. "
            f"Received a model with outputs of the shapes {', '.join(map(str, shapes))}."
        )
    scores = graph.outputs[0]
    if head == "argmax":
        scores = _before_softmax(scores)
        layer: Any = ClassMap(name="class_map", dtype="float32")
    else:
        layer = keras.layers.Softmax(name="probabilities", dtype="float32")
    _, output = applied(layer, scores, source=("head",))
    graph.outputs = [output]
    result, signature = model_at(graph, output, signature, model.name)
    if not is_functional(model):
        check_open_sizes(result, signature)
    for attribute in ("class_names", "preprocessing", "preset"):
        if hasattr(model, attribute):
            setattr(result, attribute, getattr(model, attribute))
    return result, signature


def _before_softmax(scores: Tensor) -> Tensor:
    """The input of a softmax at the end; of one that is part of a layer, that layer without."""
    node = scores.node
    if node is None:
        return scores
    layer = node.operation
    if type(layer) is keras.layers.Softmax and layer.axis in (-1, len(scores.shape) - 1):
        return node.inputs[0]
    if getattr(layer, "activation", None) is not keras.activations.softmax:
        return scores
    if type(layer) is keras.layers.Activation:
        return node.inputs[0]
    linear = twin(layer)
    object.__setattr__(linear, "activation", keras.activations.linear)
    _, output = applied(linear, *node.args, source=node.source, **node.kwargs)
    return output
