"""A convolution of a concatenation becomes a sum of convolutions.

The proof is in `_parts`. As many multiply-adds, and no copy of what is concatenated: ONNX Runtime
adds into the result while it computes the next convolution, and what was concatenated keeps the
layout that its convolutions like.
"""

from ...program._operations import Convolution
from ...targets._names import CONCATENATION
from .._match import Here, require
from .._rewrite import Rewrite, block
from . import _parts, minimal_filtering

NAME = CONCATENATION


def by_parts(here: Here) -> Rewrite:
    """Concatenation of channels -> convolution that minimal filtering has no forms for."""
    convolution = here.this(Convolution)
    require(not convolution.depthwise, "the convolution is depthwise")
    require(not minimal_filtering.filterable(convolution), "`minimal_filtering` takes it")
    parts = _parts.parts_of(convolution, here)
    rows, columns, _, filters = (int(n) for n in convolution.kernel.shape)
    height, width = convolution.x.shape[1:3]
    return here.rewrite(
        tuple(parts),
        {_parts.BY_PARTS: _parts.form(convolution, here.emitter)},
        "no copy of what is concatenated",
        block=block(
            f"convolution {rows}x{columns} {'+'.join('{}' for _ in parts)}->{{}} at {{}}x{{}}, "
            f"stride {convolution.strides[0]}, dilation {convolution.dilation[0]}",
            *(part.shape[3] for part in parts),
            filters,
            height,
            width,
        ),
    )


PATTERNS = (by_parts,)
