"""Input checks of the layers that take two inputs."""

from typing import Any

from ..ops import _arguments as arguments
from ..ops._joint_bilateral import check_guide
from ._scaled import Shape, scaled_shape

GUIDED = "[x, guide]"


def check_pair(value: Any, name: str, what: str) -> tuple[Any, Any]:
    """Return the two inputs (tensors or shapes), or raise an error that says what is wanted."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        received = f"{len(value)} of them" if isinstance(value, list | tuple) else repr(value)
        raise ValueError(f"`{name}` must be the list {what}. Received: {received}. Pass both.")
    return value[0], value[1]


def guided_shape(input_shape: Any, scale: int, data_format: str) -> Shape:
    """The shape of x at the size of its guide, of their shapes, which are checked."""
    shape, guide = check_pair(input_shape, "inputs", GUIDED)
    arguments.check_rank(guide, "guide")
    result = scaled_shape(shape, scale, data_format)
    check_guide(tuple(shape), tuple(guide), scale, data_format)
    return result


def guided_channels(input_shape: Any, data_format: str) -> tuple[int, int]:
    """The channels of x and of its guide, or an error if they are unknown."""
    axis = arguments.channel_axis(data_format)
    channels, seen = (shape[axis] for shape in input_shape)
    if channels is None or seen is None:
        raise ValueError(
            "`inputs` must have known numbers of channels. Received shapes "
            f"{tuple(map(tuple, input_shape))}. Name them in the Input, e.g. (None, None, 3)."
        )
    return channels, seen
