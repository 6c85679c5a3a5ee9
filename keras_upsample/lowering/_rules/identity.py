"""Layers that do nothing at inference are dropped.

y = x holds for what acts in training alone (dropout, noise), for padding, cropping, scaling and
activation by nothing, and for the alignment layers of ours at sizes that meet.
"""

from typing import Any

from .._graph import Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources

NAME = "identity"


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """Any node whose output is its first input."""
    if not node.inputs or not node.infers or not _does_nothing(node):
        return None
    x, y = node.inputs[0], node.outputs[0]
    if x.spec.dtype != y.spec.dtype or len(x.shape) != len(y.shape):
        return None

    def build(tensor: Tensor) -> Tensor:
        return tensor

    return Rewrite(NAME, sources(node), (x,), y, {"dropped": build}, "one node less", always=True)


def _does_nothing(node: Node) -> bool:
    import keras

    from ... import layers

    layer: Any = node.operation
    kind = type(layer)
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
    ):
        return True
    if kind is k.ActivityRegularization:
        return True
    if kind is k.Activation:
        return layer.activation is keras.activations.linear
    if kind is k.Rescaling:
        return _all(layer.scale, 1) and _all(layer.offset, 0)
    if kind in (k.ZeroPadding2D, k.Cropping2D):
        pads = layer.padding if kind is k.ZeroPadding2D else layer.cropping
        return all(n == 0 for pair in pads for n in pair)
    if kind is k.UpSampling2D:
        return tuple(layer.size) == (1, 1)
    if kind in (layers.PadToMultiple2D, layers.CropLike2D):
        return x == y and None not in x[1:]
    return False


def _all(value: Any, number: float) -> bool:
    import numpy as np

    return bool(np.all(np.asarray(value) == number))
