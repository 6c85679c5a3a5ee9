"""Input check of the layers that take two inputs."""

from typing import Any


def check_pair(value: Any, name: str, what: str) -> tuple[Any, Any]:
    """Return the two inputs (tensors or shapes), or raise an error that says what is wanted."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        received = f"{len(value)} of them" if isinstance(value, list | tuple) else repr(value)
        raise ValueError(f"`{name}` must be the list {what}. Received: {received}. Pass both.")
    return value[0], value[1]
