"""Keras model -> graph of operations, nested models dissolved."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from .._others import _keras
from ._graph import Graph, Tensor, apply, has_one_behaviour
from ._private import private_copy

if TYPE_CHECKING:
    from ._signature import Signature


class NotAGraphError(Exception):
    """The model can't be taken apart; the message says why."""


def graph_of(model: Any, signature: "Signature") -> Graph:
    """The model's inference as a graph, at the sizes of a signature.

    Args:
        model: any Keras model, built. It is left as it was.
        signature: narrower than the model's own, if that helps.

    Raises:
        NotAGraphError: the model's code can't be followed with symbolic tensors.
    """
    import keras
    from keras import tree

    model = private_copy(model)  # whose layers may be called symbolically
    specs = [keras.KerasTensor(spec.shape, dtype=spec.dtype) for spec in signature.inputs]
    tensors = [Tensor(spec) for spec in specs]
    flattening = _Flattening()
    if is_functional(model):
        outputs = flattening.trace(_function(model), tensors)
    else:
        function = _function_of_call(model, specs, signature.structure, signature.keywords)
        outputs = flattening.trace(function, tensors, functional=False)
    return Graph(tensors, tree.flatten(outputs), outputs)


class _Flattening:
    def trace(self, function: Any, tensors: Sequence[Tensor], *, functional: bool = True) -> Any:
        """Follow a Keras `Function` from node to node.

        Args:
            function: of a model.
            tensors: its inputs, flat.
            functional: whether the model is its graph. Then `training=False` goes before what its
                calls recorded, as in Keras; in a `call` of the user's own, what that says holds.
        """
        from keras import tree

        values: dict[int, Any] = {
            id(symbol): tensor for symbol, tensor in zip(function.inputs, tensors, strict=True)
        }
        for node in _keras.nodes_in_order(function):
            if node.is_input or any(id(x) not in values for x in node.input_tensors):
                continue
            args, kwargs = _keras.fill_arguments(node, values)
            if "training" in kwargs and functional:
                kwargs = {**kwargs, "training": False}
            elif kwargs.get("training") is True and not has_one_behaviour(node.operation):
                raise NotAGraphError(
                    f"its `call` asks layer {node.operation.name!r} to behave as in training, "
                    "whatever it is told itself"
                )
            outputs = self._call(node.operation, args, kwargs)
            for symbol, tensor in zip(node.outputs, tree.flatten(outputs), strict=True):
                values[id(symbol)] = tensor
        results = [values[id(symbol)] for symbol in function.outputs]
        return tree.pack_sequence_as(_keras.outputs_structure(function), results)

    def _call(self, operation: Any, args: Any, kwargs: Any) -> Any:
        nested = _nested_inputs(operation, args, kwargs)
        if nested is not None:
            return self.trace(_function(operation), nested)
        try:
            _, outputs = apply(operation, *args, source=(operation.name,), **kwargs)
        except Exception as error:
            raise NotAGraphError(
                f"layer {operation.name!r} doesn't say its output's shape: {error}"
            ) from error
        return outputs


def is_functional(model: Any) -> bool:
    """Whether the model is its graph: no code of its own runs when it is called."""
    import keras

    functional = _functional_class()
    if isinstance(model, keras.Sequential):
        own = type(model).call is not keras.Sequential.call
        return not own and _keras.inner_functional(model) is not None
    return isinstance(model, functional) and type(model).call is functional.call


@cache
def _functional_class() -> Any:
    """The class of functional models, which has no public name in Keras."""
    import keras

    x = keras.Input((1,))
    return type(keras.Model(x, x))


def _function(model: Any) -> Any:
    import keras

    return _keras.inner_functional(model) if isinstance(model, keras.Sequential) else model


def _nested_inputs(operation: Any, args: Any, kwargs: Any) -> list[Tensor] | None:
    """The inputs of a nested model in its own order; None for a layer, or a call that does more."""
    import keras
    from keras import tree

    if not isinstance(operation, keras.Model) or not is_functional(operation):
        return None
    function = _function(operation)
    if len(args) != 1 or not _plain_call(kwargs):
        return None
    given = args[0]
    own = _keras.inputs_structure(function)
    names = own if isinstance(own, dict) else [symbol.name for symbol in function.inputs]
    if not isinstance(given, dict):
        flat = tree.flatten(given)
    elif set(given) != set(names):
        return None
    elif isinstance(own, dict):  # by its keys, which need not be the names of the inputs
        flat = tree.flatten(given)
    else:
        flat = [given[name] for name in names]
    if len(flat) != len(function.inputs) or not all(isinstance(x, Tensor) for x in flat):
        return None
    ranks_fit = all(
        len(x.shape) == len(symbol.shape) and x.spec.dtype == symbol.dtype
        for x, symbol in zip(flat, function.inputs, strict=True)
    )
    return flat if ranks_fit else None


def _plain_call(kwargs: Any) -> bool:
    """Whether a call asks for nothing but inference; Keras adds a mask of None for each input."""
    from keras import tree

    rest = {key: value for key, value in kwargs.items() if key != "training"}
    training = kwargs.get("training")
    return (training is None or training is False) and all(
        leaf is None for leaf in tree.flatten(rest)
    )


def _function_of_call(model: Any, inputs: Sequence[Any], structure: Any, keywords: bool) -> Any:
    """A Keras `Function` of what the model's `call` does."""
    import keras
    from keras import tree

    symbols = [
        keras.Input(batch_shape=tuple(spec.shape), dtype=spec.dtype, name=f"input_{i}")
        for i, spec in enumerate(inputs)
    ]
    packed = tree.pack_sequence_as(structure, symbols)
    training = {"training": False} if _keras.takes_training(model) else {}
    with _keras.told_to_infer(model):  # for layers that train unless told not to
        try:
            if keywords:
                return keras.Function(symbols, model.call(**packed, **training))
            return keras.Function(packed, model.call(packed, **training))
        except Exception as error:  # the model's own code runs here
            from ..errors import first_line

            raise NotAGraphError(
                f"its `call` can't be followed with symbolic tensors ({first_line(error)})"
            ) from error
