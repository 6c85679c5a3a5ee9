"""GroupNorm as PyTorch writes it: Reshape, InstanceNormalization, Reshape back.

The values of a group lie together in (N, C, H, W), so that the mean of a row of (N, G, -1) is the
mean of a group. Scales and shifts of the channels follow as Mul and Add.
"""

from dataclasses import replace
from types import MappingProxyType

from .._net import OnnxNode
from .._operators.normalizations import GROUP_NORMALIZATION, is_plain
from ._here import Declined, Here

NAME = "GroupNorm"


def match(here: Here) -> OnnxNode | None:
    """Reshape (N, G, -1), InstanceNormalization with scales 1 and shifts 0, Reshape back."""
    last = here.this
    if last.kind != "Reshape":
        return None
    middle = here.maker(last.inputs[0], "InstanceNormalization")
    first = middle and here.maker(middle.inputs[0], "Reshape")
    if middle is None or not first:
        return None
    shape = here.constant(first, 1)
    if shape is None or len(shape) != 3:
        return None
    if not (is_plain(here.constant(middle, 1), 1) and is_plain(here.constant(middle, 2), 0)):
        raise Declined("scales other than 1, or shifts other than 0, in InstanceNormalization")
    attributes = {"groups": int(shape[1]), **middle.attributes}
    return replace(
        middle,
        kind=GROUP_NORMALIZATION,
        inputs=(first.inputs[0],),
        outputs=last.outputs,
        attributes=MappingProxyType(attributes),
    )
