"""Every operator that is read."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from .._context import Context, UnreadError
from .._element_layers import FUNCTIONS
from .._value import Value
from . import (
    activations,
    arithmetic,
    attention,
    convolutions,
    normalizations,
    parts,
    pools,
    reductions,
    refused,
    resizes,
    shapes,
    transposed,
    unpooling,
)

_OF_ANY_TYPE = {
    *FUNCTIONS,
    unpooling.MAX_UNPOOL,
    *("Cast", "Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"),
}
_OF_ANY_CONSTANT = {"Resize", "Upsample"}  # a region of interest, which changes nothing


def _of_floats(kind: str, read: Callable[[Context], Any]) -> Callable[[Context], Any]:
    """An operator that is read for float32 only."""

    def checked(c: Context) -> Any:
        for place, each in enumerate(c.inputs):
            if isinstance(each, Value):
                dtype = str(each.tensor.spec.dtype)
                if dtype != "float32" and kind not in _OF_ANY_TYPE:
                    raise UnreadError(f"input {place} holds {dtype}; float32 is read")
            elif isinstance(each, np.ndarray) and not _taken(kind, each.dtype):
                raise UnreadError(
                    f"input {place} is a constant of {each.dtype}; export the network in float32"
                )
        return read(c)

    return checked


def _taken(kind: str, dtype: np.dtype) -> bool:
    """Whether constants of a type are taken."""
    return kind in _OF_ANY_CONSTANT or dtype in (np.float32, np.int32, np.int64, np.bool_)


_READ: Mapping[str, Callable[[Context], Any]] = {
    **convolutions.KINDS,
    **transposed.KINDS,
    **normalizations.KINDS,
    **pools.KINDS,
    **unpooling.KINDS,
    **reductions.KINDS,
    **activations.KINDS,
    **arithmetic.KINDS,
    **resizes.KINDS,
    **parts.KINDS,
    **shapes.KINDS,
    **attention.KINDS,
}

KINDS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {**{kind: _of_floats(kind, read) for kind, read in _READ.items()}, **refused.KINDS}
)
"""Operator of ONNX -> what reads it: (context) -> a value, or a list of them."""

ANY_LAYOUT = frozenset(
    {
        *activations.ANY_LAYOUT,
        *arithmetic.ANY_LAYOUT,
        *convolutions.ANY_LAYOUT,
        *normalizations.ANY_LAYOUT,
        *parts.ANY_LAYOUT,
        *shapes.ANY_LAYOUT,
        *attention.ANY_LAYOUT,
    }
)
"""Those that take values whose axes lie in parts (`Value.order`). The others get them joined."""

READ = frozenset(_READ)
"""The operators that are read, without those that are refused by name."""
