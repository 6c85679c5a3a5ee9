"""A transposed convolution becomes convolutions at the low resolution and a shuffle.

The identities stand in `_phases` (one convolution) and `_interleaved` (one a phase). For a kernel
as large as its stride the convolution is 1x1.
"""

from ...program._operations import Transposed
from ...targets._names import TRANSPOSED
from .._match import Here, require
from .._rewrite import Rewrite, block
from . import _interleaved, _phases

NAME = TRANSPOSED


def by_phases(here: Here) -> Rewrite:
    """A transposed convolution of a stride above 1."""
    view = here.this(Transposed)
    require(max(view.scale) > 1, "its stride is 1")
    forms = _phases.forms(view, here.emitter) | _interleaved.forms(view, here.emitter)
    forms.pop(_phases.TRANSPOSED, None)
    require(
        bool(forms), "a shuffle has one factor for both axes, and its crop leaves no whole phases"
    )
    rows, columns, filters, channels = (int(n) for n in view.kernel.shape)
    height, width = view.x.shape[1:3]
    return here.rewrite(
        (view.x,),
        forms,
        "an ordinary convolution and a copy for a scatter of overlapping blocks",
        block=block(
            f"transposed {rows}x{columns}/{view.scale[0]} {{}}->{{}} at {{}}x{{}}",
            channels,
            filters,
            height,
            width,
        ),
    )


PATTERNS = (by_phases,)
