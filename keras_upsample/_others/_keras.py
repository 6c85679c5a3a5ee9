"""Private names of Keras, read in Keras 3.15.1."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from functools import wraps
from threading import RLock, get_ident
from typing import Any

CALLS = ("_inbound_nodes", "_outbound_nodes")
"""Attributes of a layer: its symbolic calls, by those that gave and that took its output.

Keras 3.15.1, `keras.src.ops.operation.Operation`.
"""

INPUT_CONVERSION = "_convert_inputs_to_tensors"
"""Method of a functional model that casts its flat inputs to the types of its symbolic inputs.

Keras 3.15.1, `keras.src.models.functional.Functional`.
"""

INPUT_DTYPE = "_dtype"
"""Attribute of an InputLayer: the type that `dtype` gives, to which a Sequential casts its input.

Keras 3.15.1, `keras.src.layers.core.input_layer.InputLayer`.
"""

INT8_CALL = "_int8_call"
"""Method of a Dense or EinsumDense layer that `call` leads to after `quantize("int8")`.

Keras 3.15.1, `keras.src.layers.core.dense.Dense`.
"""

FUNCTIONAL_MODULE = "keras.src.models.functional"
"""The module that a file of a functional model names beside the class `Functional`.

Keras 3.15.1, the key `module` of `keras.saving.serialize_keras_object(model)`.
"""


def flatten_layers(model: Any) -> list[Any]:
    """A model or layer and every layer in it, nested ones included, each once.

    Keras 3.15.1, `keras.src.layers.layer.Layer._flatten_layers`.
    """
    return list(model._flatten_layers())


def forget_calls(operation: Any) -> None:
    """Let a layer or operation have no symbolic calls.

    Keras 3.15.1, the attributes `CALLS`, past `Layer.__setattr__`, which tracks lists.
    """
    for name in CALLS:
        object.__setattr__(operation, name, [])


def node_class() -> Any:
    """The class of a symbolic call: `operation`, `arguments`, `input_tensors`, `outputs`.

    Keras 3.15.1, `keras.src.ops.node.Node`.
    """
    from keras.src.ops.node import Node

    return Node


def operation_class() -> Any:
    """The class of layers, models, and what functions of `keras.ops` leave in a graph.

    Keras 3.15.1, `keras.src.ops.operation.Operation`; `keras.Operation` is the same class.
    """
    from keras.src.ops.operation import Operation

    return Operation


def tracker_class() -> Any:
    """The class of what puts the layers and variables that a layer is given into its lists.

    Keras 3.15.1, `keras.src.utils.tracking.Tracker`.
    """
    from keras.src.utils.tracking import Tracker

    return Tracker


def track_anew(tracker: Any) -> None:
    """Let a tracker know what its lists hold now: it remembers the objects by their ids.

    Keras 3.15.1, `keras.src.utils.tracking.Tracker.stored_ids`.
    """
    stores = {name: store for name, (_, store) in tracker.config.items()}
    tracker.stored_ids = {name: set(map(id, store)) for name, store in stores.items()}


def is_tracked(container: Any) -> bool:
    """Whether a list, dict or set is one that tells a tracker what it is given.

    Keras 3.15.1, `keras.src.utils.tracking.TrackedList`, `TrackedDict` and `TrackedSet`.
    """
    return hasattr(container, "tracker")


def track_empty(container: Any, tracker: Any) -> Any:
    """An empty container of the same tracked class, which tells another tracker.

    Keras 3.15.1, `keras.src.utils.tracking.TrackedList.tracker`.
    """
    other = type(container)()
    other.tracker = tracker
    return other


def inner_functional(model: Any) -> Any:
    """The functional model inside of a built Sequential; None for any other layer.

    Keras 3.15.1, `keras.src.models.sequential.Sequential._functional`.
    """
    return getattr(model, "_functional", None)


def nodes_in_order(function: Any) -> Iterator[Any]:
    """The symbolic calls of a `keras.Function` or functional model, those of its inputs first.

    Keras 3.15.1, `keras.src.ops.function.Function._nodes_by_depth`.
    """
    depths = function._nodes_by_depth
    for depth in sorted(depths, reverse=True):
        yield from depths[depth]


def fill_arguments(node: Any, values: Mapping[int, Any]) -> tuple[Any, dict[str, Any]]:
    """Arguments and keywords of a symbolic call, with values in the places of its tensors.

    Keras 3.15.1, `keras.src.ops.symbolic_arguments.SymbolicArguments.fill_in`.

    Args:
        node: the call.
        values: id of a symbolic tensor -> value.
    """
    return node.arguments.fill_in(values)


def inputs_structure(function: Any) -> Any:
    """The symbolic inputs of a functional model in the structure in which it takes them.

    Keras 3.15.1, `keras.src.ops.function.Function._inputs_struct`.
    """
    return function._inputs_struct


def outputs_structure(function: Any) -> Any:
    """The symbolic outputs of a functional model in its own structure; None for a Sequential.

    Keras 3.15.1, `keras.src.ops.function.Function._outputs_struct`.
    """
    return getattr(function, "_outputs_struct", None)


@contextmanager
def told_to_infer(model: Any) -> Iterator[None]:
    """Inside, layers learn that `training` is False, as in `model(x, training=False)`.

    Keras 3.15.1, `keras.src.layers.layer.Layer._get_call_context`.
    """
    model._get_call_context().set_value("training", False)
    try:
        yield
    finally:
        model._maybe_reset_call_context()


def takes_training(layer: Any) -> bool:
    """Whether a layer's `call` has the argument `training`.

    Keras 3.15.1, `keras.src.layers.layer.Layer._call_has_training_arg`.
    """
    return bool(layer._call_has_training_arg)


def recorded_shapes(model: Any) -> dict[str, Any]:
    """Shapes of a subclassed model's first call: {"image_shape": (1, 8, 8, 3)}; {} before it.

    Keras 3.15.1, `keras.src.layers.layer.Layer._build_shapes_dict`.
    """
    return getattr(model, "_build_shapes_dict", None) or {}


def set_dtype_policy(layer: Any, policy: Any) -> None:
    """Give a layer a policy past its setter, which writes into a map that layers share.

    Keras 3.15.1, `keras.src.layers.layer.Layer._dtype_policy`; the map is a `DTypePolicyMap`.
    """
    object.__setattr__(layer, "_dtype_policy", policy)


def policy_computing_in(policy: Any, dtype: str) -> Any:
    """A copy of a policy of quantised layers, which computes in another type.

    Keras 3.15.1, `keras.src.dtype_policies.dtype_policy.QuantizedDTypePolicy._compute_dtype`.
    """
    changed = copy(policy)
    changed._compute_dtype = dtype
    return changed


def mask_of(tensor: Any) -> Any:
    """The mask that Keras hung on a tensor; None where there is none.

    Keras 3.15.1, `keras.src.backend.common.masking.get_keras_mask`.
    """
    return getattr(tensor, "_keras_mask", None)


def stored_kernel(layer: Any) -> Any:
    """The kernel of a quantised Dense or EinsumDense layer as it is stored: integers for "int8".

    Keras 3.15.1, `keras.src.layers.core.dense.Dense._kernel`.
    """
    return layer._kernel


def kernel_scale_of_einsum(layer: Any) -> Any:
    """The scale of an EinsumDense layer's integers, in a shape that divides its stored kernel.

    Keras 3.15.1, `keras.src.layers.core.einsum_dense.EinsumDense._adjust_scale_for_dequant`.
    """
    return layer._adjust_scale_for_dequant(layer.kernel_scale)


def is_operation(operation: Any, module: str, name: str) -> bool:
    """Whether it is what a function of `keras.ops` leaves in a graph.

    Keras 3.15.1, classes of `keras.src.ops`.

    Args:
        operation: of a symbolic call.
        module: the class' module below `keras.src.ops`: "image", "nn", "numpy".
        name: of the class: "Resize", "DepthToSpace", "Concatenate".
    """
    kind = type(operation)
    return kind.__name__ == name and kind.__module__ == f"keras.src.ops.{module}"


def numpy_operation(name: str) -> Any:
    """The class of an operation that a function of `keras.ops` leaves in a graph: "Squeeze".

    Keras 3.15.1, `keras.src.ops.numpy`.
    """
    from keras.src.ops import numpy

    return getattr(numpy, name)


def spec_by_tensorflow(function: Callable, *args: Any, **options: Any) -> Any:
    """The symbolic result of a function of TensorFlow on symbolic tensors, by its shape rules.

    Keras 3.15.1, `keras.src.backend.tensorflow.core.compute_output_spec`.
    """
    from keras.src.backend.tensorflow.core import compute_output_spec

    return compute_output_spec(function, *args, **options)


def tensorflow_image() -> Any:
    """The module whose `resize` does what `keras.ops.image.resize` asks of TensorFlow.

    Keras 3.15.1, `keras.src.backend.tensorflow.image`.
    """
    from keras.src.backend.tensorflow import image

    return image


def tensorflow_nn() -> Any:
    """The module whose `conv` every convolution of Keras on TensorFlow goes through.

    Keras 3.15.1, `keras.src.backend.tensorflow.nn`.
    """
    from keras.src.backend.tensorflow import nn

    return nn


_ONE_BOUND = RLock()


@contextmanager
def variables_within(most: int, refusal: Callable[[int], Exception]) -> Iterator[None]:
    """Inside, this thread makes no variables of more than `most` elements together.

    The one that is too many is refused before it is allocated, and the error leaves the block
    whatever Keras makes of it. Other threads that ask for a bound wait.

    Args:
        most: number of elements.
        refusal: number of elements that were asked for -> the error.

    Keras 3.15.1, `keras.Variable.__init__(initializer, shape)`: all variables of layers, metrics
    and seed generators are made by that class.
    """
    import keras

    kind, thread, asked = keras.Variable, get_ident(), 0
    own = "__init__" in vars(kind)
    original = kind.__init__

    @wraps(original)
    def bounded(self: Any, initializer: Any, shape: Any = None, *args: Any, **more: Any) -> None:
        nonlocal asked
        if get_ident() == thread and callable(initializer) | isinstance(initializer, str):
            asked += math.prod(int(n) for n in shape or ())
            if asked > most:
                raise refusal(asked)
        original(self, initializer, shape, *args, **more)

    with _ONE_BOUND:
        kind.__init__ = bounded
        try:
            yield
        except Exception as error:
            if asked > most:
                raise refusal(asked) from error
            raise
        else:
            if asked > most:
                raise refusal(asked)
        finally:
            if own:
                kind.__init__ = original
            else:
                del kind.__init__
