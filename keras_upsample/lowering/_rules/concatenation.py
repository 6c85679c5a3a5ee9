"""A convolution of a concatenation becomes a sum of convolutions.

The proof is in `_parts`. As many multiply-adds, and no copy of what is concatenated: ONNX Runtime
adds into the result while it computes the next convolution, and what was concatenated keeps the
layout that its convolutions like.
"""

from ...export.targets import CONCATENATION
from .._emit import Emitter
from .._graph import Node
from .._rewrite import Rewrite, Surroundings, sources
from .._views import convolution_of
from . import _parts, minimal_filtering

NAME = CONCATENATION


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """Concatenation of channels -> Conv2D that minimal filtering has no forms for."""
    view = convolution_of(node)
    if view is None or around.shared(node) or view.depthwise or minimal_filtering.filterable(view):
        return None
    found = _parts.parts_of(view, around)
    if found is None:
        return None
    maker, parts = found
    names = sources(maker, node)
    rows, columns, _, filters = (int(n) for n in view.kernel.shape)
    widths = "+".join(str(part.shape[3]) for part in parts)
    height, width = view.x.shape[1:3]
    return Rewrite(
        NAME,
        names,
        tuple(parts),
        node.outputs[0],
        {_parts.BY_PARTS: _parts.form(view, lambda: Emitter(node.operation, names))},
        "no copy of what is concatenated",
        block=(
            f"convolution {rows}x{columns} {widths}->{filters} at {height}x{width}, "
            f"stride {view.strides[0]}, dilation {view.dilation[0]}"
        ),
    )
