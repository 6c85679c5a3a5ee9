"""Public names load on first use, and Keras knows all our classes as soon as it is loaded.

`keras.models.load_model` finds a class by its registered name alone. So every class of ours has to
be imported where Keras is, in whatever order a program imports the two, and only there: without
Keras the import of this package stays light.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import lazy_loader

from ._others._python import is_being_imported

_OURS = __name__.partition(".")[0]


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], Any], list[str]]:
    """`lazy_loader.attach_stub`, with our classes registered after a name was loaded.

    Returns:
        `__getattr__`, `__dir__` and `__all__` of the package.
    """
    load, names, public = lazy_loader.attach_stub(package, file)

    def load_and_register(name: str) -> Any:
        value = load(name)
        register_classes()
        return value

    return load_and_register, names, public


def register_classes() -> None:
    """Import every class of ours, if Keras is loaded and no import of a module of ours goes on."""
    registered = f"{_OURS}._registered"
    if registered in sys.modules or "keras" not in sys.modules:
        return
    ours = [sys.modules.get(name) for name in list(sys.modules) if name.startswith(f"{_OURS}.")]
    if any(map(is_being_imported, ours)):
        return  # Its classes are not there yet; whoever asked for it comes by here afterwards.
    import_module(registered)  # by its name, for it imports modules that import this one


class _RegisterAfterKeras(MetaPathFinder):
    """Lets `import keras` end with our classes registered."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((each for each in found if each is not None), None)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            # Whatever fails in ours is told when ours is used; Keras itself is there.
            with suppress(Exception):
                register_classes()

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def watch_for_keras() -> None:
    """Register the classes now, or as soon as Keras is imported."""
    register_classes()
    if "keras" not in sys.modules:
        sys.meta_path.insert(0, _RegisterAfterKeras())
