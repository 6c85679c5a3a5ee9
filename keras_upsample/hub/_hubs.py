"""The hubs, by the scheme of their addresses."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from ..metadata import Metadata
from ._address import Address
from ._huggingface import HuggingFace
from ._kaggle import Kaggle


class Hub(Protocol):
    """What `push` and `pull` need of a hub."""

    def check(self, *, writes: bool) -> None: ...

    def card(self, body: str, metadata: Metadata, formats: list[str]) -> str: ...

    def upload(
        self,
        files: Mapping[str, Path],
        *,
        own_card: bool,
        private: bool,
        licence: str,
        message: str,
        tell: Callable[[str], None],
    ) -> str: ...

    def download(self, folder: Path) -> tuple[str, tuple[str, ...]]: ...


_HUBS: Mapping[str, Callable[[Address], Hub]] = MappingProxyType(
    {"hf": HuggingFace, "kaggle": Kaggle}
)


def hub_of(address: Address) -> Hub:
    """What talks to the hub of an address; its client is not imported yet."""
    return _HUBS[address.scheme](address)
