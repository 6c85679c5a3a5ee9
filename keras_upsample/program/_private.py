"""A private copy: layers of its own, which share the variables of the user's model.

Whoever changes how layers compute (a precision, a method) changes a private model, so that the
user's is only read: it can be called meanwhile, and exported by several threads at a time.
"""

from collections import deque
from copy import copy as shallow_copy
from functools import partial
from types import MethodType
from typing import Any

from .._others import _keras

_FUNCTIONS = ("train_function", "test_function", "predict_function")
"""Of a model: graphs of the layers it was made from, which Keras makes anew."""

_WRAPPED = ("build", "quantize")
"""Methods of a layer that Keras wraps by functions which hold the layer."""

_CONTAINERS = (list, dict, set)


def private_copy(model: Any) -> Any:
    """The same model: its layers, wherever they sit, are copies, and the variables are shared.

    A clone would need a complete configuration, which custom layers often lack, and a copy of all
    weights. What a layer holds beside layers, lists, tuples, dicts and sets is shared too; layers
    that only the code of a function or an object of another kind knows are not reached.

    Args:
        model: a built Keras model or layer; it is only read.
    """
    copies = _Copies()
    copy = copies.of(model)
    copies.fill()
    return copy


def layers_of_their_class(own: Any) -> list[Any]:
    """The layers of a model but those with a `call` of their own, which compute something else."""
    return [layer for layer in _keras.flatten_layers(own) if "call" not in vars(layer)]


class _Copies:
    """Copies of objects, each made once."""

    def __init__(self) -> None:
        self._node, self._operation = _keras.node_class(), _keras.operation_class()
        self._tracker = _keras.tracker_class()
        self._made: dict[int, Any] = {}
        self._trackers: list[Any] = []
        self._kept: list[Any] = []  # so that ids stay theirs
        self._empty: deque[tuple[Any, Any]] = deque()  # objects, and copies that hold nothing yet

    def fill(self) -> None:
        """Give every copy what it holds; not by recursion, for graphs are deep."""
        while self._empty:
            value, copy = self._empty.popleft()
            if isinstance(value, self._operation):
                self._fill_layer(value, copy)
            else:
                copy.__dict__.update({name: self.of(each) for name, each in vars(value).items()})
            if isinstance(value, self._tracker):
                self._trackers.append(copy)
        for tracker in self._trackers:  # now that what they track is there
            _keras.track_anew(tracker)

    def of(self, value: Any) -> Any:
        """The copy of a layer, of a container, or of a method of a layer; else the value itself."""
        if id(value) in self._made:
            return self._made[id(value)]
        kind = type(value)
        if isinstance(value, self._operation):
            return self._layer(value)
        if kind is self._node or kind is self._tracker:
            return self._made_of(value, object.__new__(kind))
        if isinstance(value, _CONTAINERS):
            return self._container(value)
        if isinstance(value, tuple):
            return self._tuple(value)
        if kind is MethodType and isinstance(value.__self__, self._operation):
            return MethodType(value.__func__, self.of(value.__self__))
        if kind is partial:
            function, keywords = self.of(value.func), self.of(value.keywords)
            return partial(function, *map(self.of, value.args), **keywords)
        return value

    def _made_of(self, value: Any, copy: Any) -> Any:
        self._made[id(value)] = copy
        self._kept.append(value)
        self._empty.append((value, copy))
        return copy

    def _layer(self, layer: Any) -> Any:
        kind: Any = type(layer)
        try:
            return self._made_of(layer, kind.__new__(kind))
        except TypeError:  # a class that wants to know more
            return self._made_of(layer, object.__new__(kind))

    def _fill_layer(self, layer: Any, copy: Any) -> None:
        own = {name: copy.__dict__[name] for name in _WRAPPED if name in copy.__dict__}
        # Calls in graphs that the copy is no part of stay behind.
        held = {name: value for name, value in vars(layer).items() if name not in _keras.CALLS}
        copy.__dict__.update({name: self.of(value) for name, value in held.items()})
        copy.__dict__.update(own)
        _keras.forget_calls(copy)
        copy.__dict__.update({name: None for name in _FUNCTIONS if name in held})

    def _container(self, value: Any) -> Any:
        """Of the same kind; TensorFlow's wrappers of dicts become dicts."""
        kind: Any = type(value)
        own: Any = {}
        if _keras.is_tracked(value):
            # filled below without telling its tracker again
            own = _keras.track_empty(value, self.of(value.tracker))
        elif issubclass(kind, _CONTAINERS):
            own = shallow_copy(value)
        self._made[id(value)] = own
        self._kept.append(value)
        if isinstance(own, list):
            list.__setitem__(own, slice(None), [self.of(each) for each in value])
        elif isinstance(own, dict):
            for key, each in value.items():
                dict.__setitem__(own, key, self.of(each))
        else:
            set.clear(own)
            set.update(own, map(self.of, value))
        return own

    def _tuple(self, value: Any) -> Any:
        items = [self.of(each) for each in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
