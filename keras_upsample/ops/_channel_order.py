"""Channels to the last axis and back."""

from typing import Any

from keras import ops


def to_channels_last(x: Any, data_format: str) -> Any:
    """Bring the channels to the last axis."""
    if data_format == "channels_last":
        return x
    return ops.transpose(x, (0, *range(2, len(x.shape)), 1))


def from_channels_last(x: Any, data_format: str) -> Any:
    """Bring the channels back to where `data_format` has them."""
    if data_format == "channels_last":
        return x
    last = len(x.shape) - 1
    return ops.transpose(x, (0, last, *range(1, last)))
