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
    last = here.this
    if last.kind != "Reshape":
        return None
    middle = here.maker(last.inputs[0], "Transpose")
    first = middle and here.maker(middle.inputs[0], "Reshape")
    if middle is None or not first:
        return None
    image, apart, result = (
        here.shape(name) for name in (first.inputs[0], first.outputs[0], last.outputs[0])
    )
    if image is None or apart is None or result is None or len(image) != 4 or len(apart) != 5:
        return None
    order = tuple(middle.attributes.get("perm", ()))
    groups = apart[1]
    if order != (0, 2, 1, 3, 4) or result != image or apart[3:] != image[2:]:
        return None
    return replace(
        last,
        kind=CHANNEL_SHUFFLE,
        inputs=(first.inputs[0],),
        attributes=MappingProxyType({"groups": groups}),
    )
