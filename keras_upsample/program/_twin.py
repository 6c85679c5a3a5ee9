"""Twins: a layer with the same variables and settings, free to be called in another graph."""

from typing import Any

from .._others import _keras


def twin(operation: Any, name: str | None = None) -> Any:
    """The same layer or operation, with the same variables, that no model knows.

    Calling a layer on symbolic tensors writes itself into the layer, so that the user's own layers
    can't be called. A clone would need a complete configuration, which custom layers often lack,
    and a copy of all weights; a twin shares whatever the layer holds and has its own list of calls.
    """
    other = object.__new__(type(operation))
    other.__dict__.update(operation.__dict__)
    _keras.forget_calls(other)
    if name is not None:
        object.__setattr__(other, "name", name)
    return other
