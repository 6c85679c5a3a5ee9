"""Packages that only some tasks need."""

from importlib.util import find_spec


def need(module: str, reason: str, package: str) -> None:
    """
    Args:
        module: what is to be imported.
        reason: a sentence that says what it is needed for.
        package: what pip installs: a package, or an extra of this one.

    Raises:
        ModuleNotFoundError: it is not installed; the message says how to install it.
    """
    if find_spec(module) is None:
        quoted = f'"{package}"' if "[" in package else package
        raise ModuleNotFoundError(f"{reason} Run: pip install {quoted}", name=module)
