"""A resize to the size of another map is one by factors, or to a size, where both sizes are known.

ResizeLike2D computes what BilinearUpSampling2D and NearestUpSampling2D do for `size=` that of the
reference, and for `scale=` where the factors are whole: s n = m, and each of the three conventions
of coordinates depends on n and m alone. A map of the reference's own size stays as it is.
"""

from ...program._graph import Tensor
from ...program._resize_like import ResizeLike
from .._match import Here, require
from .._rewrite import Rewrite

NAME = "resize_like"


def at_known_sizes(here: Here) -> Rewrite:
    """ResizeLike2D of two maps whose height and width are known."""
    like = here.this(ResizeLike)
    x, reference = like.parts
    before, after = x.shape[1:3], reference.shape[1:3]
    require(None not in (*before, *after), "a height or a width is open")
    rows, columns = (m // n for n, m in zip(before, after, strict=True))  # type: ignore[operator]
    whole = tuple(n * s for n, s in zip(before, (rows, columns), strict=True)) == tuple(after)  # type: ignore[operator]

    def build(x: Tensor) -> Tensor:
        from ... import layers

        if tuple(before) == tuple(after):
            return x
        kind = {
            "nearest": layers.NearestUpSampling2D,
            "bilinear": layers.BilinearUpSampling2D,
        }[like.interpolation]
        emit = here.emitter()
        target = {"scale": (rows, columns)} if whole else {"size": tuple(after)}
        layer = kind(
            **target,
            coordinates=like.coordinates,
            data_format="channels_last",
            name=emit.name,
            dtype=emit.policy,
        )
        return emit.call(layer, x)

    height, width = after
    return here.rewrite(
        (x,),
        {"resize": build},
        f"a resize to {height}x{width}, without the other map",
        always=True,
    )


PATTERNS = (at_known_sizes,)
