"""Channel shuffle of ShuffleNet: Reshape into groups, Transpose, Reshape back.

Channel i g + j of the result is channel j C / g + i: one choice of channels, and no tensor of rank
five.
"""

from dataclasses import replace
from types import MappingProxyType

from .._net import OnnxNode
from .._operators.parts import CHANNEL_SHUFFLE
from ._here import Here

NAME = "channel shuffle"


def match(here: Here) -> OnnxNode | None:
    """Reshape (N, g, C / g, H, W), Transpose (0, 2, 1, 3, 4), Reshape (N, C, H, W)."""
    found = here.regrouping()
    if found is None or len(found.apart) != 5 or found.order != (0, 2, 1, 3, 4):
        return None
    if found.result != tuple(found.image) or found.apart[3:] != found.image[2:]:
        return None
    return replace(
        here.this,
        kind=CHANNEL_SHUFFLE,
        inputs=(found.source,),
        attributes=MappingProxyType({"groups": found.apart[1]}),
    )
