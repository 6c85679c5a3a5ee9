"""A resize of what minimal filtering put together, in the runtime's own layout.

A pool of one pixel is the identity. ONNX Runtime keeps feature maps in blocks of channels between
convolutions and pools, and resizes them there three times as fast as elsewhere; what filtering
puts together by a reshape has left that layout, and a pool brings it back before the resize, where
the map is small.
"""

from ...export.targets import LAYOUT
from .._emit import Emitter
from .._graph import Node, Tensor, applied
from .._rewrite import Rewrite, Surroundings, sources
from .._twin import twin
from .._views import resize_of

NAME = LAYOUT


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """Reshape -> [activations ->] nearest or bilinear resize."""
    import keras

    view = resize_of(node)
    if view is None or view.interpolation not in ("nearest", "bilinear"):
        return None
    between: list[Node] = []
    maker = around.maker(view.x)
    while maker is not None and type(maker.operation) in (
        keras.layers.ReLU,
        keras.layers.Activation,
    ):
        between.insert(0, maker)
        maker = around.maker(maker.inputs[0])
    if maker is None or type(maker.operation) is not keras.layers.Reshape:
        return None
    x = maker.inputs[0]
    if len(x.shape) != 4 or None in (*x.shape[1:], *view.x.shape[1:]):
        return None
    names = sources(*between, node)

    def behind_a_pool(x: Tensor) -> Tensor:
        emit = Emitter(node.operation, names)
        pool = keras.layers.MaxPooling2D(
            1, 1, data_format="channels_last", name=f"{emit.name}_layout", dtype=emit.policy
        )
        y = emit.call(pool, emit.call(twin(maker.operation), x))
        for step in (*between, node):
            _, y = applied(twin(step.operation), y, source=step.source)
        return y

    _, height, width, channels = view.x.shape
    _, rows, columns, _ = node.outputs[0].shape
    return Rewrite(
        NAME,
        names,
        (x,),
        node.outputs[0],
        {"behind a pool": behind_a_pool},
        "the resize in the layout of the convolutions",
        block=f"{view.interpolation} {height}x{width} -> {rows}x{columns} of {channels} channels",
    )
