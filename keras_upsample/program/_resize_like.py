"""The resize of an image to the height and width of another."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ._graph import Node, Tensor
from ._operations import OfSeveral

if TYPE_CHECKING:
    from ._emit import Emitter


@dataclass(frozen=True)
class ResizeLike(OfSeveral):
    """y = the first part, resized to the height and width of the second.

    Attributes:
        interpolation: "bilinear" or "nearest".
        coordinates: as in BilinearUpSampling2D.
    """

    interpolation: str = "bilinear"
    coordinates: str = "half_pixel"

    KIND: ClassVar[str] = "resize to the size of another map"


def read_resize_like(node: Node) -> ResizeLike | None:
    """ResizeLike2D, channels last."""
    from ..layers import ResizeLike2D

    layer = node.operation
    if type(layer) is not ResizeLike2D or layer.data_format != "channels_last":
        return None
    return ResizeLike(node.inputs, layer.interpolation, layer.coordinates)


def write_resize_like(emit: "Emitter", operation: ResizeLike, name: str) -> Tensor:
    """ResizeLike2D."""
    from ..layers import ResizeLike2D

    layer = ResizeLike2D(
        operation.interpolation,
        coordinates=operation.coordinates,
        data_format="channels_last",
        name=name,
        dtype=emit.policy,
    )
    return emit.call(layer, *operation.parts)
