"""A MaxPool whose places only unpoolings read: its places count in each window."""

from dataclasses import replace

from .._net import OnnxNode
from .._operators.unpooling import MAX_POOL_WITH_PLACES, MAX_UNPOOL
from ._here import Here

NAME = "max pooling with places"


def match(here: Here) -> OnnxNode | None:
    """A MaxPool with a second output, behind `max_unpooling`."""
    this = here.this
    places = this.outputs[1] if len(this.outputs) > 1 else ""
    if this.kind != "MaxPool" or not places or here.is_output(places):
        return None
    readers = here.readers(places)
    if not readers or any(node.kind != MAX_UNPOOL for node in readers):
        return None
    return replace(this, kind=MAX_POOL_WITH_PLACES)
