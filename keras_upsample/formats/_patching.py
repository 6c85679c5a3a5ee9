"""Functions of TensorFlow and Keras replaced where they stand, for one thread's conversions."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import signature
from typing import Any

Place = tuple[Any, str, Callable[[Callable], Callable]]
"""Module or class, name of a function in it, and what makes its replacement from the original."""


class Patch:
    """Replacements that several threads may use at a time, each for itself.

    Functions that build operators are looked up in their modules by name, so that this reaches
    them wherever a model calls them. A replacement asks `wanted` and otherwise calls the original.

    Args:
        places: gives what is replaced; called while entered, so that imports are made late.
    """

    def __init__(self, places: Callable[[], Iterable[Place]]) -> None:
        self._places = places
        self._active: ContextVar[bool] = ContextVar("replaced", default=False)
        self._lock = threading.Lock()
        self._users = 0
        self._originals: list[tuple[Any, str, Callable]] = []

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
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            for module, name, replaced in self._places():
                original = getattr(module, name)
                self._originals.append((module, name, original))
                setattr(module, name, replaced(original))

    def _uninstall(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            for module, name, original in reversed(self._originals):
                setattr(module, name, original)
            self._originals.clear()
