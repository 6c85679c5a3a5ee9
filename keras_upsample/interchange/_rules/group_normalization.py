"""GroupNorm as PyTorch writes it: Reshape, InstanceNormalization, Reshape back, Mul, Add.

The values of a group lie together in (N, C, H, W), so that the mean of a row of (N, G, -1) is the
mean of a group. Mul and Add have a number a channel.
"""

from dataclasses import replace
from types import MappingProxyType

from .._net import OnnxNode
from .._operators.normalizations import GROUP_NORMALIZATION, is_plain
from ._affine import affine, of_channels
from ._here import Declined, Here

NAME = "GroupNorm"


def match(here: Here) -> OnnxNode | None:
    """Reshape (N, G, -1), InstanceNormalization with scales 1 and shifts 0, Reshape back, and the
    scales and shifts of channels, if they follow."""
    found = affine(here, "Reshape")
    if found is None:
        return None
    middle = here.maker(found.of.inputs[0], "InstanceNormalization")
    first = middle and here.maker(middle.inputs[0], "Reshape")
    if middle is None or not first:
        return None
    shape = here.constant(first, 1)
    whole = here.shape(first.inputs[0])
    if shape is None or len(shape) != 3:
        return None
    if not (is_plain(here.constant(middle, 1), 1) and is_plain(here.constant(middle, 2), 0)):
        raise Declined("scales other than 1, or shifts other than 0, in InstanceNormalization")
    if found.scale or found.shift:
        if whole is None:
            return None
        for constant in (found.scale, found.shift):
            if not of_channels(here, constant, len(whole), 1, whole[1]):
                return None
    return replace(
        middle,
        kind=GROUP_NORMALIZATION,
        inputs=(first.inputs[0], found.scale, found.shift),
        outputs=here.this.outputs,
        attributes=MappingProxyType({"groups": int(shape[1]), **middle.attributes}),
    )
