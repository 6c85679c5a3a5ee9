"""A bilinear resize at a known size as two products with constant matrices.

Interpolation is linear and works on rows and columns by themselves: y = R x C^T for each channel,
where row i of R holds the weights 1 - t and t of the pixels floor(u(i)) and floor(u(i)) + 1. It
multiplies by many zeros, and pays where the runtime's own operator is slow: ONNX Runtime's for
whole factors above 2.
"""

from ...program._emitted_layers import FormedResize2D
from ...program._graph import Tensor
from ...program._operations import Resize
from ...program._twin import twin
from .._match import Here, NoMatch, require
from .._rewrite import Rewrite, block

NAME = "matrices"


def two_products(here: Here) -> Rewrite:
    """A bilinear resize of known sizes."""
    resize = here.this(Resize)
    require(resize.interpolation == "bilinear", f"the resize is {resize.interpolation}")
    height, width, channels = resize.x.shape[1:]
    rows, columns = here.node.outputs[0].shape[1:3]
    if None in (height, width, channels) or rows is None or columns is None:
        raise NoMatch("its size is open, and constant matrices need one")
    layer, after = here.node.operation, (rows, columns)

    def products(x: Tensor) -> Tensor:
        from ...layers import BilinearUpSampling2D

        emit = here.emitter()
        options = {"dtype": emit.policy, "name": emit.name}
        if type(layer) is BilinearUpSampling2D:
            ours = twin(layer)
        else:  # of Keras: half-pixel centres, as ours by default
            ours = BilinearUpSampling2D(size=after, data_format="channels_last", **options)
        return emit.call(FormedResize2D(ours, "bilinear", "matrix", **options), x)

    return here.rewrite(
        (resize.x,),
        {"matrices": products},
        "a dense product where the operator is slow",
        block=block(
            "bilinear {}x{} -> {}x{} of {} channels", height, width, rows, columns, channels
        ),
    )


PATTERNS = (two_products,)
