"""Calls of a model that leave its state unchanged.

A layer may train unless told not to, and may assign to its variables in any call: counters, states
of recurrent layers, moving averages, seeds. Where a model is only read, its variables keep their
values whatever its layers do.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

State = Sequence[tuple[Any, Any]]
"""Pairs of a Keras variable and the tensor to read in its place."""


@contextmanager
def discard_assignments(state: State = ()) -> Iterator[None]:
    """Inside, a value assigned to a Keras variable is seen by what follows, and then forgotten.

    Layers must have been built: a variable that is made inside has no value yet.
    """
    import keras

    with keras.StatelessScope(state_mapping=state):
        yield


class Traced:
    """A function of tensors as a TensorFlow graph, run without changing a variable.

    Args:
        function: of tensors, to a nested structure of tensors. Keras' variables are its own care
            (`discard_assignments`); here TensorFlow's get back the values they had.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        import tensorflow as tf

        self._function = tf.function(function, autograph=False)

    def graph(self, *tensors: Any) -> Any:
        """What the function is as a graph, for tensors of these shapes and types."""
        return self._function.get_concrete_function(*tensors).graph

    def __call__(self, *tensors: Any) -> Any:
        """Trace where the shapes are new, then run."""
        # Traced by hand once a shape: TensorFlow warns of a function that it traces often itself.
        concrete = self._function.get_concrete_function(*tensors)
        with _keep_values(concrete.graph):
            return concrete(*tensors)


_CALLS = {"PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf", "While"}


@contextmanager
def _keep_values(graph: Any) -> Iterator[None]:
    """Afterwards, the variables of a graph that assigns have the values that they had before."""
    if not any(_assigns(operation) for operation in graph.get_operations()):
        yield
        return
    kept = [(variable, variable.numpy()) for variable in graph.variables]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)


def _assigns(operation: Any) -> bool:
    kind = operation.type
    if kind in _CALLS:  # whose own graphs may
        return any(tensor.dtype.name == "resource" for tensor in operation.inputs)
    return kind.startswith(("Assign", "ResourceScatter", "ResourceApply"))
