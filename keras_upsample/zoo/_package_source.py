"""Where networks of others come from; imports nothing heavy."""

import dataclasses

from ..files._package import Package


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a family of networks comes from.

    Attributes:
        package: package with the files.
        folder: folder in the package that holds them.
        licence: licence of the weights, by its SPDX name.
        copyright: who holds the copyright.
        origin: repository in which the weights were published.
        established: how it is known that the licence is the weights'.
        paper: where the network is described.
    """

    package: Package
    folder: str
    licence: str
    copyright: str
    origin: str
    established: str
    paper: str
