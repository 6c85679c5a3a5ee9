"""Tests that name a package and its version when they fail."""

from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Any


def of(package: str) -> Callable[[Callable], Callable]:
    """Let a test that fails name a package and its installed version."""

    def decorate(test: Callable) -> Callable:
        @wraps(test)
        def checked(*args: Any, **options: Any) -> None:
            try:
                test(*args, **options)
            except Exception as error:
                raise AssertionError(
                    f"{package} {version(package)} is not what keras_upsample/_others takes it "
                    f"for: {type(error).__name__}: {error}"
                ) from error

        return checked

    return decorate
