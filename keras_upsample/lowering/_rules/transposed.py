"""A transposed convolution becomes convolutions at the low resolution and a shuffle.

The identities stand in `_phases` (one convolution) and `_interleaved` (one a phase). For a kernel
as large as its stride the convolution is 1x1.
"""

from ...export.targets import TRANSPOSED
from .._emit import Emitter
from .._graph import Node
from .._rewrite import Rewrite, Surroundings, sources
from .._views import transposed_of
from . import _interleaved, _phases

NAME = TRANSPOSED


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """Conv2DTranspose or TransposedConv2D with one stride for both axes, above 1."""
    view = transposed_of(node)
    if view is None or around.shared(node) or max(view.scale) == 1:
        return None

    def emitter() -> Emitter:
        return Emitter(node.operation, sources(node))

    forms = _phases.forms(view, emitter) | _interleaved.forms(view, emitter)
    forms.pop(_phases.TRANSPOSED, None)
    if not forms:
        return None
    rows, columns, filters, channels = (int(n) for n in view.kernel.shape)
    height, width = view.x.shape[1:3]
    return Rewrite(
        NAME,
        sources(node),
        (view.x,),
        node.outputs[0],
        forms,
        "an ordinary convolution and a copy for a scatter of overlapping blocks",
        block=(
            f"transposed {rows}x{columns}/{view.scale[0]} {channels}->{filters} at {height}x{width}"
        ),
    )
