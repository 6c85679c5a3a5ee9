"""Every operator that is read."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from . import arithmetic, attention, convolutions, normalizations, pools, shapes

KINDS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **convolutions.KINDS,
        **normalizations.KINDS,
        **pools.KINDS,
        **arithmetic.KINDS,
        **shapes.KINDS,
        **attention.KINDS,
    }
)
"""Operator of ONNX -> what reads it: (context) -> a value, or a list of them."""

ANY_LAYOUT = frozenset(
    {
        *arithmetic.ANY_LAYOUT,
        *convolutions.ANY_LAYOUT,
        *normalizations.ANY_LAYOUT,
        *shapes.ANY_LAYOUT,
        *attention.ANY_LAYOUT,
    }
)
"""Those that take values whose axes lie in parts (`Value.order`). The others get them joined."""
