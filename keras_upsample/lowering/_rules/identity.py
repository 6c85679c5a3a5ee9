"""Layers that do nothing at inference are dropped.

y = x holds for what acts in training alone (dropout, noise), for padding, cropping, scaling and
activation by nothing, and for the alignment layers of ours at sizes that meet.
"""

from ...program._graph import Node, Tensor
from ...program._keras_table import operation_of
from .._match import Here, OtherKind, require
from .._rewrite import Rewrite

NAME = "identity"


def nothing(here: Here) -> Rewrite:
    """Any node whose output is its first input."""
    node = here.node
    if not node.inputs or not node.infers or not _does_nothing(node):
        raise OtherKind
    x, y = node.inputs[0], node.outputs[0]
    require(x.spec.dtype == y.spec.dtype, f"{node.name!r} casts to {y.spec.dtype}")
    require(len(x.shape) == len(y.shape), f"{node.name!r} changes the rank")

    def build(tensor: Tensor) -> Tensor:
        return tensor

    return here.rewrite((x,), {"dropped": build}, "one node less", always=True)


PATTERNS = (nothing,)


def _does_nothing(node: Node) -> bool:
    import keras

    from ... import layers

    kind = type(node.operation)
    k = keras.layers
    x, y = node.inputs[0].shape, node.outputs[0].shape
    if kind in (
        k.Dropout,
        k.SpatialDropout1D,
        k.SpatialDropout2D,
        k.SpatialDropout3D,
        k.AlphaDropout,
        k.GaussianDropout,
        k.GaussianNoise,
        k.Identity,
        k.ActivityRegularization,
    ):
        return True
    if kind in (layers.PadToMultiple2D, layers.CropLike2D):
        return x == y and None not in x[1:]
    return operation_of(node).changes_nothing
