"""Names of files that a hub states, which may come from anybody."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from .._text import printable
from ..errors import HubError
from ._address import Address


def check_names(names: Iterable[str], address: Address, taken: str) -> None:
    """Refuse names that lead out of the folder to which they are written.

    Args:
        names: of the files.
        address: of the repository.
        taken: folder in which the hub's client keeps notes of its own, which go afterwards.

    Raises:
        HubError: it shows the name.
    """
    for name in names:
        path = PurePosixPath(name)
        plain = name == printable(name) and not {"\\", ":"} & {*name}
        plain = plain and not f"{name.lower()}/".startswith(f"{taken}/")
        if not plain or str(path) != name or path.is_absolute() or {".", ".."} & {*path.parts}:
            raise HubError(f"{address} has a file whose name is refused: {printable(name)!r}.")
