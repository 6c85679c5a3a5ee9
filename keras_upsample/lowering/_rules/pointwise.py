"""A 1x1 convolution goes where there is least to resize.

One that reduces the channels goes before a resize that enlarges; a linear one, or a dense layer,
that makes more channels goes behind a resize that shrinks.

A resize R acts on pixels, a 1x1 convolution P on channels, so that P R = R P. With a bias b,
P R x + b = R (P x + b), because every row of R adds up to 1 and leaves a constant as it is. An
activation stays behind the resize; nearest copies pixels, and commutes with that too if it works
pixel by pixel.
"""

from dataclasses import replace

from ...program._activations import by_pixel
from ...program._graph import Tensor
from ...program._operations import Activation, Convolution, Dense, Resize
from ...program._twin import twin
from .._match import Here, require
from .._rewrite import Rewrite
from . import _resizes

NAME = "pointwise"


def before_resize(here: Here) -> Rewrite:
    """Resize -> 1x1 convolution of no more channels than it reads."""
    convolution = here.this(Convolution)
    require(convolution.pointwise, f"{here.node.name!r} is no 1x1 convolution")
    resize = here.behind(convolution.x, Resize)
    channels, filters = (int(n) for n in convolution.kernel.shape[2:])
    require(filters <= channels, f"{here.node.name!r} makes more channels than it reads")
    grows = _resizes.grows(resize, convolution.x)
    require(grows, "the image shrinks, or nothing says that it grows")
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


def behind_shrinking(here: Here) -> Rewrite:
    """Linear 1x1 convolution, or dense layer, of no fewer channels than it reads -> resize."""
    resize = here.this(Resize)
    found = here.behind(resize.x, Convolution, Dense)
    convolution = _resizes.as_convolution(found)
    name = repr(here.matched[0].name)
    require(convolution is not None and convolution.pointwise, f"{name} is no 1x1 convolution")
    assert convolution is not None
    require(convolution.activation is None, "an activation lies between")
    channels, filters = (int(n) for n in convolution.kernel.shape[2:])
    require(filters >= channels, f"{name} makes fewer channels than it reads")
    output = here.node.outputs[0]
    require(_resizes.shrinks(resize, output), "nothing says that the image shrinks")
    resizes, linear = here.node.operation, here.matched[0]

    def build(x: Tensor) -> Tensor:
        y = here.emitter().call(twin(resizes), x)
        return here.emitter(like=linear).write(found.on(y))

    return here.rewrite(
        (found.x,),
        {"resize first": build},
        f"resizes {channels} channels, not {filters}",
        always=True,
    )


PATTERNS = (before_resize, behind_shrinking)
