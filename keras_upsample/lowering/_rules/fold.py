"""Batch normalization and other affine maps per channel are folded into the weights next to them.

Behind a linear layer: s (K * x + b) + t = (s K) * x + (s b + t), where s scales output channels.
Before one: K * (s x + t) = (K s) * x + K * t, where s scales input channels. K * t is a constant
only where the convolution meets no zeros from padding; with t = 0 padding does not matter, for
s 0 = 0; for the same reason it commutes with an explicit zero padding in between.
"""

from ...program._graph import Tensor
from ...program._keras_writer import writable
from ...program._operations import NONE, Affine, Convolution, Dense, Transposed, ZeroPadding
from .._match import Here, require
from .._rewrite import Rewrite

NAME = "fold"
_GAIN = "no pass over the feature map of its own"


def behind(here: Here) -> Rewrite:
    """Convolution, transposed convolution or dense layer -> affine map."""
    affine = here.this(Affine)
    linear = here.behind(affine.x, Convolution, Transposed, Dense)
    require(linear.activation is None, "an activation lies between")
    merged = linear.scaled(affine.scale, affine.shift)
    require(writable(merged), "no layer has the crop of this transposed convolution")

    def build(x: Tensor) -> Tensor:
        return here.emitter(like=here.matched[0]).write(merged.on(x))

    return here.rewrite((linear.x,), {"one layer": build}, _GAIN, always=True)


def before(here: Here) -> Rewrite:
    """Affine map -> [zero padding ->] convolution."""
    convolution = here.this(Convolution)
    found = here.behind(convolution.x, Affine, ZeroPadding)
    padding = here.matched[0] if isinstance(found, ZeroPadding) else None
    affine = here.behind(found.x, Affine) if isinstance(found, ZeroPadding) else found
    makes = here.matched[0].outputs[0]
    require(affine.x.spec.dtype == makes.spec.dtype, "it makes floats of integers as well")
    padded = padding is not None or convolution.pads != NONE
    require(
        not (padded and (affine.shift != 0).any()),
        "it shifts the image, and the zeros of a padding behind it stay zeros",
    )
    merged = convolution.reading(affine.scale)
    if (affine.shift != 0).any():
        merged = merged.shifted(convolution.of_constant(affine.shift))

    def build(x: Tensor) -> Tensor:
        emit = here.emitter()
        if padding is not None:
            x = emit.call(padding.operation, x)
        return emit.write(merged.on(x))

    return here.rewrite((affine.x,), {"one layer": build}, _GAIN, always=True)


PATTERNS = (behind, before)
