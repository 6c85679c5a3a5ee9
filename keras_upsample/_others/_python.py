"""Private names of Python's import system."""

from types import ModuleType


def is_being_imported(module: ModuleType | None) -> bool:
    """Whether a module's import has begun and not ended, in any thread.

    Python 3.11.7, `importlib._bootstrap._load_unlocked`: `__spec__._initializing`, by which an
    import in a circle says that it is one.
    """
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
