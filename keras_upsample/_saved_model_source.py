"""A SavedModel -> a Keras model that computes what its signature computes.

The variables become constants, so that what is exported holds
the numbers and nothing that refers to the folder.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._others import _tensorflow
from ._text import plain_name
from .errors import ArtefactError, did_you_mean, first_line
from .files._plain_path import plain_path

_SERVING = "serving_default"
_SAME = frozenset({"serve", _SERVING})
"""Keras' own export writes one function under both names."""


def load_saved_model(path: Path, signature: str | None = None, *, trust: bool = False) -> Any:
    """A `keras.Model` of a SavedModel folder, written by Keras 2, Keras 3 or TensorFlow.

    Its outputs are a dict by the names of the signature's outputs.

    Args:
        path: the folder.
        signature: the name of a signature. Default: the only one, or `serving_default` where the
            others are Keras' second name for it.
        trust: whether a graph that reads or writes files, or runs Python code, may be loaded.

    Raises:
        ArtefactError: it can't be loaded, has no such signature, or several and none was named.
        RuntimeError: Keras runs on another backend than TensorFlow.
    """
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "A SavedModel needs Keras on its TensorFlow backend. Received: "
            f"{keras.backend.backend()!r}. Set the environment variable KERAS_BACKEND."
        )
    if not trust:
        from .runtimes._saved_model_graph import check_saved_model

        try:
            check_saved_model(path)
        except Exception as error:  # its own, and protobuf's of a damaged file
            raise ArtefactError(f"{str(path)!r} can't be loaded: {first_line(error)}") from error
    try:
        with plain_path(path) as plain:
            loaded = tf.saved_model.load(str(plain))
    except Exception as error:  # TensorFlow's, of several kinds
        raise ArtefactError(
            f"{str(path)!r} can't be loaded by TensorFlow {tf.__version__}: {first_line(error)}"
        ) from error
    from .runtimes._tensorflow import signatures_of

    function = _choose_signature(path, signatures_of(loaded), signature)
    try:
        frozen = _tensorflow.freeze(function)
    except Exception as error:  # TensorFlow's, of several kinds
        raise ArtefactError(
            f"{str(path)!r}: the variables of its signature can't become constants: "
            f"{first_line(error)}"
        ) from error
    model = _as_model(plain_name(path.resolve().name), function, frozen)
    from .metadata import attach, read

    facts = read(path)
    return model if facts is None else attach(model, facts)


def _choose_signature(path: Path, signatures: Mapping[str, Any], wanted: str | None) -> Any:
    names = list(signatures)
    listed = ", ".join(names) or "none"
    if wanted is not None:
        if wanted not in names:
            raise ArtefactError(
                f"`signature`: {str(path)!r} has no signature {wanted!r}. It has: {listed}."
                f"{did_you_mean(wanted, names)}"
            )
        return signatures[wanted]
    if not names:
        raise ArtefactError(
            f"{str(path)!r} has no signature, so that nothing says what goes in. Write it with "
            "one: model.export(folder), or tf.saved_model.save(..., signatures=...)."
        )
    if len(names) > 1 and not set(names) <= _SAME:
        raise ArtefactError(
            f"{str(path)!r} has several signatures: {listed}. Name one: --signature {names[0]} "
            f"(signature={names[0]!r})."
        )
    return signatures[_SERVING if _SERVING in names else names[0]]


def _as_model(name: str, function: Any, frozen: Any) -> Any:
    """A functional model with the signature's inputs, around the frozen graph."""
    import keras

    keywords = function.structured_input_signature[1]
    inputs = {}
    for key, spec in keywords.items():
        if spec.shape.rank is None:
            raise ArtefactError(
                f"{name!r}: the input {key!r} has no rank. Write the SavedModel with the shape of "
                "its inputs."
            )
        dtype = spec.dtype.name
        inputs[key] = keras.Input(batch_shape=spec.shape.as_list(), dtype=dtype, name=key)
    layer = _function_class()(function, frozen, name=f"{name}_graph")
    single = len(inputs) == 1
    outputs = layer(next(iter(inputs.values())) if single else inputs)
    return keras.Model(next(iter(inputs.values())) if single else inputs, outputs, name=name)


def _function_class() -> Any:
    """A Keras layer class: Keras is imported only here."""
    import keras
    import tensorflow as tf

    class SavedModelFunction(keras.layers.Layer):
        """The outputs of a frozen function of TensorFlow, by name."""

        def __init__(self, function: Any, frozen: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs, dtype="float32", autocast=False)
            self._frozen = frozen
            self._graph = frozen.graph.as_graph_def()
            self._keys = list(function.structured_input_signature[1])
            places = {t.name: t.name for t in frozen.inputs}
            # Inputs keep their names in a frozen function, outputs their order.
            self._feeds = {key: places.get(f"{key}:0") for key in self._keys}
            if None in self._feeds.values():
                ordered = [t.name for t in frozen.inputs]
                self._feeds = dict(zip(self._keys, ordered, strict=True))
            self._results = dict(
                zip(
                    sorted(function.structured_outputs),
                    [t.name for t in frozen.outputs],
                    strict=True,
                )
            )
            self._shapes = {key: function.structured_outputs[key].shape for key in self._results}

        def call(self, inputs: Any) -> dict[str, Any]:
            values = inputs if isinstance(inputs, Mapping) else {self._keys[0]: inputs}
            if tf.executing_eagerly():
                flat = [values[key] for place in self._frozen.inputs for key in self._at(place)]
                return dict(zip(self._results, self._frozen(*flat), strict=True))
            tensors = tf.graph_util.import_graph_def(
                self._graph,
                input_map={self._feeds[key]: tf.convert_to_tensor(values[key]) for key in values},
                return_elements=list(self._results.values()),
                name="",
            )
            for tensor, shape in zip(tensors, self._shapes.values(), strict=True):
                tensor.set_shape(tensor.shape.merge_with(shape))
            return dict(zip(self._results, tensors, strict=True))

        def _at(self, place: Any) -> list[str]:
            return [key for key, name in self._feeds.items() if name == place.name]

    return SavedModelFunction
