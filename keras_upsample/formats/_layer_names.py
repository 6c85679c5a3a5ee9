"""Names of layers that a user gives for a file."""

from collections.abc import Iterable, Sequence


class UnknownLayerError(ValueError):
    """No operator of the file comes from a layer of this name."""


def check_layers(given: Sequence[str], known: Iterable[str]) -> None:
    """Raises `UnknownLayerError` for names of `keep_float` that are not among the file's layers."""
    known = set(known)
    if unknown := sorted(set(given) - known):
        raise UnknownLayerError(
            f"`keep_float` must name layers that an operator of the file comes from: "
            f"{', '.join(sorted(known))}. Received: {', '.join(map(repr, unknown))}."
        )
