"""The signature: inputs and outputs of a model, by name."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from .._others import _keras
from ._input_shape import (
    OTHER_SIZES,
    InputSpec,
    Shape,
    ShapeArgument,
    check_kind,
    close_sizes,
    fix_sizes,
    is_size,
    narrow,
    pixel_axes,
)
from ._stateless import State, discard_assignments


@dataclass(frozen=True)
class Signature:
    """A model's inputs and how they are handed to it.

    Attributes:
        inputs: in the order of the model's own flattened input structure.
        structure: that structure (tensor, list, dict, nested), for packing.
        keywords: set for a subclassed model whose `call` takes several arguments.
    """

    inputs: tuple[InputSpec, ...]
    structure: Any
    keywords: bool = False

    def call(self, model: Any, tensors: Sequence[Any], state: State = ()) -> dict[str, Any]:
        """The model's outputs by name, in inference mode; the model stays as it is.

        Args:
            model: built.
            tensors: one an input.
            state: what to read in place of some of the model's variables.
        """
        from keras import tree

        with discard_assignments(state):
            results = self.called(model, tensors)
        return dict(zip(output_names_of(model, results), tree.flatten(results), strict=True))

    def called(self, model: Any, tensors: Sequence[Any]) -> Any:
        """What the model returns in inference mode; a layer that assigns does so."""
        from keras import tree

        packed = tree.pack_sequence_as(self.structure, list(tensors))
        return model(**packed, training=False) if self.keywords else model(packed, training=False)

    def fixed(self, batch_size: int = 1) -> "Signature":
        """Every open dimension closed: the batch, and heights and widths by `DEFAULT_SIZE`.

        Raises:
            ValueError: an open dimension is neither a batch nor a height or width of an image.
        """
        return replace(self, inputs=tuple(fix_sizes(spec, batch_size) for spec in self.inputs))

    def closed(self) -> "Signature":
        """Sizes at which the model may be tried, whatever the rank of its inputs; see `closed`.

        Raises:
            ValueError: a number of channels is open.
        """
        return replace(self, inputs=tuple(map(close_sizes, self.inputs)))


def signature_of(
    model: Any, input_shape: ShapeArgument = None, batch_size: int | None = None
) -> Signature:
    """The signature of any Keras model.

    Args:
        model: functional, Sequential or subclassed.
        input_shape: shape without the batch, or a dict of such by input name; needed only for a
            model that was never called and does not say its shape; narrows the model's own shape
            otherwise.
        batch_size: fixed batch; default any.

    Raises:
        RuntimeError: Keras runs on another backend than TensorFlow.
        TypeError: not a Keras model.
        ValueError: the shape is unknown, or does not fit the model's own.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "Export needs Keras on its TensorFlow backend. Received: "
            f"{keras.backend.backend()!r}. Save the model, and export it where the environment "
            "variable KERAS_BACKEND is 'tensorflow'."
        )
    check_kind(input_shape)
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a keras.Model, or the path of a Keras file or SavedModel folder. "
            f"Received: {type(model).__name__}."
        )
    if not model.built and isinstance(model, keras.Sequential):
        _require_shape(model, input_shape)
        model.build((None, *_one_shape(model, input_shape)))
    if getattr(model, "inputs", None):
        signature = _of_graph(model)
    else:
        signature = _of_subclass(model, input_shape)
    specs = narrow(signature.inputs, input_shape)
    if batch_size is not None:
        if not is_size(batch_size):
            raise ValueError(f"`batch_size` must be an integer >= 1. Received: {batch_size!r}.")
        specs = tuple(replace(spec, shape=(batch_size, *spec.shape[1:])) for spec in specs)
    signature = replace(signature, inputs=specs)
    if not getattr(model, "inputs", None):
        _make_variables(model, signature)
    return signature


def signature_to_run(
    model: Any, input_shape: ShapeArgument = None, batch_size: int | None = None
) -> Signature:
    """The same, with the pixels at which the model can be tried where its sizes are open.

    A network that takes multiples of 3 alone refuses `DEFAULT_SIZE`. Arguments and errors as for
    `signature_of`.
    """
    signature = signature_of(model, input_shape, batch_size)
    images = [spec for spec in signature.inputs if len(spec.shape) == 4]
    if not any(spec.shape[axis] is None for spec in images for axis in pixel_axes(spec)):
        return signature
    for size in (0, *OTHER_SIZES):
        inputs = tuple(
            replace(spec, trial=size) if len(spec.shape) == 4 else spec for spec in signature.inputs
        )
        tried = replace(signature, inputs=inputs)
        if _takes(model, tried):
            return tried
    return signature


def _takes(model: Any, signature: Signature) -> bool:
    """Whether the model can be traced at the sizes of `closed`."""
    try:
        _trace(signature.call, model, signature)
    except Exception:
        return False
    return True


def _of_graph(model: Any) -> Signature:
    structure = model.input if not _is_sequential(model) else model.inputs[0]
    specs = [InputSpec(t.name, tuple(t.shape), _dtype(t.dtype)) for t in model.inputs]
    return Signature(_clean(specs), structure)


def _is_sequential(model: Any) -> bool:
    import keras

    return isinstance(model, keras.Sequential)


def _of_subclass(model: Any, input_shape: ShapeArgument) -> Signature:
    from keras import tree

    # Keras records the shapes of the first call by the arguments of `call`: {"image_shape": ...}.
    recorded = _keras.recorded_shapes(model)
    arguments = _required_arguments(model)
    keywords = len(arguments) > 1 or len(recorded) > 1
    if keywords:
        shapes: Any = {key.removesuffix("_shape"): value for key, value in recorded.items()}
        if not set(arguments) <= set(shapes):  # Keras' default `build` records the first only
            shapes = _shape_by_argument(model, arguments, input_shape)
    elif recorded:
        (shapes,) = recorded.values()
    elif isinstance(input_shape, Mapping):
        shapes = {name: (None, *shape) for name, shape in input_shape.items()}
    else:
        _require_shape(model, input_shape)
        shapes = (None, *_one_shape(model, input_shape))
    leaves = tree.map_shape_structure(_Leaf, shapes)
    found = []
    for path, leaf in tree.flatten_with_path(leaves):
        default = "image" if len(leaf.shape) == 4 else "input"
        name = "_".join(str(part) for part in path)
        name = f"input_{name}" if name.isdigit() else name or default
        found.append(InputSpec(name, (None, *leaf.shape[1:]), _dtype(model.input_dtype)))
    specs = _clean(found)
    if input_shape is not None:
        # What the user says goes before the sizes of the first call, which are no promise.
        specs = tuple(replace(spec, shape=(None,) * len(spec.shape)) for spec in specs)
    return Signature(specs, leaves, keywords)


def _make_variables(model: Any, signature: Signature) -> None:
    """Trace a model once if it was never called: layers make their variables in the first call.

    What the model itself refuses here, it is asked again, and answered for, where it is run.
    """
    if all(layer.built for layer in _keras.flatten_layers(model)):
        return
    with suppress(Exception):
        _trace(signature.called, model, signature)


def _trace(call: Callable, model: Any, signature: Signature) -> None:
    """Trace the model at the sizes of `closed`; nothing is computed."""
    import tensorflow as tf

    specs = [tf.TensorSpec(spec.shape, spec.dtype) for spec in signature.closed().inputs]
    function = tf.function(lambda *tensors: call(model, tensors), autograph=False)
    function.get_concrete_function(*specs)


def _required_arguments(model: Any) -> list[str]:
    """The arguments of `call` that the model can't do without."""
    from inspect import Parameter, signature

    named = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return [
        name
        for name, parameter in signature(model.call).parameters.items()
        if parameter.kind in named
        and parameter.default is Parameter.empty
        and name not in ("training", "mask")
    ]


def _shape_by_argument(
    model: Any, arguments: Sequence[str], input_shape: ShapeArgument
) -> dict[str, Shape]:
    if not isinstance(input_shape, Mapping) or set(input_shape) != set(arguments):
        raise ValueError(
            f"The model {model.name!r} takes several arguments, {', '.join(arguments)}, and Keras "
            "does not remember their shapes. `input_shape` must be a dict with a shape, without "
            f"the batch, for each. Received: {input_shape!r}."
        )
    return {name: (None, *input_shape[name]) for name in arguments}


@dataclass(frozen=True)
class _Leaf:
    shape: Shape


def _dtype(name: str) -> str:
    # The exported function computes in float32 whatever the training policy was.
    return "float32" if name in ("float16", "bfloat16", "float64") else name


def _require_shape(model: Any, input_shape: ShapeArgument) -> None:
    if input_shape is None:
        raise ValueError(
            f"The model {model.name!r} was never called and does not say its input shape. Pass "
            "`input_shape`, without the batch, e.g. input_shape=(256, 256, 3), or a dict by the "
            "names of the inputs."
        )


def _one_shape(model: Any, input_shape: ShapeArgument) -> Shape:
    if isinstance(input_shape, Mapping) or input_shape is None:
        raise ValueError(
            f"`input_shape` must be one shape for the single input of {model.name!r}. "
            f"Received: {input_shape!r}."
        )
    return tuple(input_shape)


def output_names_of(model: Any, results: Any) -> list[str]:
    """The names of a model's outputs, flat; `results` have the structure that it returns."""
    from keras import tree

    flat = tree.flatten(results)
    own = getattr(model, "output_names", None) or ()
    if _is_sequential(model):
        own = [model.layers[-1].name]
    if isinstance(results, Mapping):
        # In the order in which the values are flattened, which an ordered dict decides by itself.
        paths = [path for path, _ in tree.flatten_with_path(results)]
        names = ["_".join(map(str, path)) for path in paths]
    elif len(own) == len(flat):
        names = list(own)
    elif len(flat) == 1:
        names = ["output"]
    else:
        names = [f"output_{index}" for index in range(len(flat))]
    return _unique(names)


def _clean(specs: Sequence[InputSpec]) -> tuple[InputSpec, ...]:
    names = _unique([spec.name for spec in specs])
    return tuple(replace(spec, name=name) for spec, name in zip(specs, names, strict=True))


def _unique(names: Sequence[str]) -> list[str]:
    """Names that every format takes as an identifier, each once."""
    result: list[str] = []
    for name in names:
        base = re.sub(r"\W", "_", name)
        base = base if base[:1].isalpha() else f"tensor_{base}"
        candidate, number = base, 1
        while candidate in result:
            candidate, number = f"{base}_{number}", number + 1
        result.append(candidate)
    return result
