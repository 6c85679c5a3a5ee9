"""The hub of an address."""

from ._address import Address
from ._huggingface import HuggingFace


def hub_of(address: Address) -> HuggingFace:
    """What talks to the hub of an address; its client is not imported yet."""
    return HuggingFace(address)
