"""A 1x1 convolution that reduces the channels goes before the resize.

A resize R acts on pixels, a 1x1 convolution P on channels, so that P R = R P. With a bias b,
P R x + b = R (P x + b), because every row of R adds up to 1 and leaves a constant as it is. An
activation stays behind the resize; nearest copies pixels, and commutes with that too if it works
pixel by pixel.
"""

import math
from dataclasses import replace

from ...program._activations import by_pixel
from ...program._graph import Tensor
from ...program._operations import Activation, Convolution, Resize
from ...program._twin import twin
from .._match import Here, require
from .._rewrite import Rewrite

NAME = "pointwise"


def before_resize(here: Here) -> Rewrite:
    """Resize -> 1x1 convolution of no more channels than it reads."""
    convolution = here.this(Convolution)
    require(convolution.pointwise, f"{here.node.name!r} is no 1x1 convolution")
    resize = here.behind(convolution.x, Resize)
    channels, filters = (int(n) for n in convolution.kernel.shape[2:])
    require(filters <= channels, f"{here.node.name!r} makes more channels than it reads")
    before, after = resize.x.shape[1:3], convolution.x.shape[1:3]
    grows = None not in (*before, *after) and math.prod(before) <= math.prod(after)  # type: ignore[arg-type]
    require(grows or resize.scale is not None, "the image shrinks, or nothing says that it grows")
    copies = resize.interpolation.startswith("nearest") and by_pixel(convolution.activation)
    own = convolution.activation if copies else None
    first, resizes = replace(convolution, activation=own), here.matched[0].operation

    def build(x: Tensor) -> Tensor:
        emit = here.emitter()
        y = emit.call(twin(resizes), emit.write(first.on(x)))
        after = Activation(y, None if copies else convolution.activation)
        return emit.write(after, "_activation")

    return here.rewrite(
        (resize.x,),
        {"convolution first": build},
        f"resizes {filters} channels, not {channels}",
        always=True,
    )


PATTERNS = (before_resize,)
