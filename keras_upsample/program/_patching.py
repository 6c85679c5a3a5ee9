"""Functions of TensorFlow and Keras replaced for the conversions of one thread."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import update_wrapper
from inspect import signature
from typing import Any

Place = tuple[Any, str, Callable[[Callable], Callable]]
"""Module or class, name of a function in it, and what makes its replacement from the original."""


class Patch:
    """Replacements that several threads may use at a time, each for itself.

    Functions that build operators are looked up in their modules by name, so that this reaches
    them wherever a model calls them. A replacement asks `wanted` and otherwise calls the original,
    or the replacement of another patch that was entered before and stands at the same place.

    Args:
        places: gives what is replaced; called while entered, so that imports are made late.
    """

    def __init__(self, places: Callable[[], Iterable[Place]]) -> None:
        self._places = places
        self._active: ContextVar[bool] = ContextVar("replaced", default=False)
        self._users = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Inside, the replacements are in place."""
        token = self._active.set(True)
        self._install()
        try:
            yield
        finally:
            self._uninstall()
            self._active.reset(token)

    def active(self) -> bool:
        """Whether this thread entered."""
        return self._active.get()

    def wanted(self) -> bool:
        """Whether this thread traces a graph to be converted."""
        import tensorflow as tf

        return self.active() and not tf.executing_eagerly()

    def by(self, form: Callable) -> Callable[[Callable], Callable]:
        """What makes a replacement that computes by a form, where that applies.

        Args:
            form: gets the original, and the arguments by name; gives None where it does not apply.
        """

        def replaced(original: Callable) -> Callable:
            parameters = signature(original)

            def operator(*args: Any, **options: Any) -> Any:
                if self.wanted():
                    given = parameters.bind(*args, **options)
                    given.apply_defaults()
                    result = form(original, **given.arguments)
                    if result is not None:
                        return result
                return original(*args, **options)

            return operator

        return replaced

    def _install(self) -> None:
        with _LOCK:
            self._users += 1
            if self._users == 1:
                for module, name, replaced in self._places():
                    key = id(module), name
                    if key not in _CHAINS:
                        _CHAINS[key] = _Chain(module, name)
                    chain = _CHAINS[key]
                    chain.links.append((self, replaced))
                    chain.put()

    def _uninstall(self) -> None:
        with _LOCK:
            self._users -= 1
            if self._users:
                return
            for key, chain in list(_CHAINS.items()):
                chain.links = [link for link in chain.links if link[0] is not self]
                chain.put()
                if not chain.links:
                    del _CHAINS[key]


class _Chain:
    """A function and its replacements, each of which calls the one before where it is not wanted.

    Patches of several threads are left in any order: what remains is put together anew.
    """

    def __init__(self, module: Any, name: str) -> None:
        self._module, self._name = module, name
        self._original = getattr(module, name)
        self.links: list[tuple[Patch, Callable[[Callable], Callable]]] = []

    def put(self) -> None:
        """Let the place hold the last replacement, or the function itself."""
        function = self._original
        for _, replaced in self.links:
            # by whose wrapping a signature is that of the function itself
            function = update_wrapper(replaced(function), function, updated=())
        setattr(self._module, self._name, function)


_LOCK = threading.Lock()
_CHAINS: dict[tuple[int, str], _Chain] = {}
