"""A resize after minimal filtering is computed in the runtime's own layout.

A pool of one pixel is the identity. ONNX Runtime keeps feature maps in blocks of channels between
convolutions and pools, and resizes them there three times as fast as elsewhere; what filtering
puts together by a reshape has left that layout, and a pool brings it back before the resize, where
the map is small.
"""

from ...program._graph import Tensor, apply
from ...program._keras_reader import activation_at, reshape_of
from ...program._operations import Pool, Resize
from ...program._twin import twin
from ...targets._names import LAYOUT
from .._match import Here, require
from .._rewrite import Rewrite, block

NAME = LAYOUT


def behind_a_pool(here: Here) -> Rewrite:
    """Reshape -> [activations ->] nearest or bilinear resize."""
    resize = here.this(Resize)
    kept = ("nearest", "bilinear")
    require(resize.interpolation in kept, f"the resize is {resize.interpolation}")
    maker = here.maker(resize.x)
    while activation_at(maker) is not None:
        here.matched.insert(0, maker)
        maker = here.maker(maker.inputs[0])
    require(reshape_of(maker) is not None, "no reshape lies before the resize")
    x = maker.inputs[0]
    known = len(x.shape) == 4 and None not in (*x.shape[1:], *resize.x.shape[1:])
    require(known, "its size is open")
    steps = tuple(here.matched)

    def build(x: Tensor) -> Tensor:
        emit = here.emitter()
        y = emit.call(twin(maker.operation), x)
        y = emit.write(Pool(y, "max", (1, 1), (1, 1)), "_layout")
        for step in steps:
            _, y = apply(twin(step.operation), y, source=step.source)
        return y

    _, height, width, channels = resize.x.shape
    _, rows, columns, _ = here.node.outputs[0].shape
    return here.rewrite(
        (x,),
        {"behind a pool": build},
        "the resize in the layout of the convolutions",
        block=block(
            f"{resize.interpolation} {{}}x{{}} -> {{}}x{{}} of {{}} channels",
            height,
            width,
            rows,
            columns,
            channels,
        ),
    )


PATTERNS = (behind_a_pool,)
