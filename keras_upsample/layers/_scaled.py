"""Shapes of the layers whose output is a whole factor larger and keeps its channels."""

from ..ops import _arguments as arguments

Shape = tuple[int | None, ...]


def known_channels(shape: Shape, data_format: str) -> int:
    """Return the channels of an input's shape, or raise if they are unknown."""
    channels = shape[arguments.channel_axis(data_format)]
    if channels is None:
        raise ValueError(
            "`inputs` must have a known number of channels. Received shape "
            f"{tuple(shape)}. Name it in the Input, e.g. (None, None, 3)."
        )
    return channels


def scaled_shape(shape: Shape, scale: int, data_format: str) -> Shape:
    """Return a shape with height and width multiplied."""
    arguments.check_rank(shape, "inputs")
    sizes = list(shape)
    for axis in arguments.spatial_axes(data_format):
        length = sizes[axis]
        sizes[axis] = None if length is None else length * scale
    return tuple(sizes)
