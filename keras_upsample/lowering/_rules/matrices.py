"""A bilinear resize at a known size as two products with constant matrices.

Interpolation is linear and works on rows and columns by themselves: y = R x C^T for each channel,
where row i of R holds the weights 1 - t and t of the pixels floor(u(i)) and floor(u(i)) + 1. It
multiplies by many zeros, and pays where the runtime's own operator is slow: ONNX Runtime's for
whole factors above 2.
"""

from .._emit import Emitter
from .._formed import FormedResize2D
from .._graph import Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._twin import twin
from .._views import resize_of

NAME = "bilinear resize -> products with matrices"


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """A bilinear resize of known sizes."""
    view = resize_of(node)
    if view is None or view.interpolation != "bilinear":
        return None
    height, width, channels = view.x.shape[1:]
    rows, columns = node.outputs[0].shape[1:3]
    if None in (height, width, channels) or rows is None or columns is None:
        return None
    layer, after = node.operation, (rows, columns)

    def products(x: Tensor) -> Tensor:
        from ...layers import BilinearUpSampling2D

        emit = Emitter(layer, sources(node))
        options = {"dtype": emit.policy, "name": emit.name}
        if type(layer) is BilinearUpSampling2D:
            ours = twin(layer)
        else:  # of Keras: half-pixel centres, as ours by default
            ours = BilinearUpSampling2D(size=after, data_format="channels_last", **options)
        return emit.call(FormedResize2D(ours, "bilinear", "matrix", **options), x)

    return Rewrite(
        NAME,
        sources(node),
        (view.x,),
        node.outputs[0],
        {"matrices": products},
        "a dense product where the operator is slow",
        block=f"bilinear {height}x{width} -> {rows}x{columns} of {channels} channels",
    )
