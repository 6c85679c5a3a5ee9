"""A pixel shuffle in operators that a target without DEPTH_TO_SPACE has.

y[s i + a, s j + b, c] = x[i, j, (a s + b) C + c]. In memory the s C channels of a pixel that belong
to one a are s pixels of C channels, so that only the rows are to be interleaved: "interleaved"
cuts the channels of x by rows, "by rows" cuts the filters of the convolution that makes x, which
costs it nothing and serves any order of the channels. And it is the transposed convolution with the
kernel K[a, b, c, d] = 1 where d = (a s + b) C + c, else 0, at stride s: no two pixels of x meet.
"""

from dataclasses import replace

import numpy as np

from ...program._activations import by_element
from ...program._graph import Build, Tensor
from ...program._operations import Convolution, Interleaving, Shuffle, Transposed
from ...targets._names import INTERLEAVED, SHUFFLE
from .._match import Here, NoMatch, require
from .._rewrite import Rewrite, block

NAME = SHUFFLE
BY_ROWS, ONE_HOT = "by rows", "one-hot transposed"
_GAIN = "no operator that falls back to the CPU"


def behind_convolution(here: Here) -> Rewrite:
    """Convolution -> shuffle."""
    shuffle, index = _shuffle(here)
    convolution = here.behind(shuffle.x, Convolution)
    require(not convolution.depthwise, "the convolution is depthwise")
    require(by_element(convolution.activation), "its activation mixes channels")
    forms = {BY_ROWS: _by_rows(convolution, index, here)}
    rows, columns, channels, filters = convolution.kernel.shape
    kind = f"convolution {rows}x{columns} {{}}->{{}} at {{}}x{{}}, shuffle {shuffle.scale}"
    sizes = (channels, filters, *convolution.x.shape[1:3])
    return here.rewrite((convolution.x,), forms, _GAIN, block=block(kind, *sizes))


def alone(here: Here) -> Rewrite:
    """A shuffle."""
    shuffle, index = _shuffle(here)
    s, filters = shuffle.scale, index.shape[2]
    channels = index.size

    def one_hot(x: Tensor) -> Tensor:
        kernel = np.zeros((s, s, filters, channels), "float32")
        a, b, c = np.indices((s, s, filters))
        kernel[a, b, c, index] = 1
        return here.emitter().write(Transposed(x, kernel, scale=(s, s)))

    def interleaved(x: Tensor) -> Tensor:
        return here.emitter().write(Interleaving([x], (s, s)), "_interleaved")

    forms: dict[str, Build] = {ONE_HOT: one_hot}
    if shuffle.order == "dcr":
        forms = {INTERLEAVED: interleaved, **forms}
    height, width = shuffle.x.shape[1:3]
    of = block(f"shuffle {s} of {{}} channels at {{}}x{{}}", channels, height, width)
    return here.rewrite((shuffle.x,), forms, _GAIN, block=of)


PATTERNS = (behind_convolution, alone)


def _shuffle(here: Here) -> tuple[Shuffle, np.ndarray]:
    """The shuffle, and (rows, columns, channels) -> number of a filter in front of it."""
    shuffle = here.this(Shuffle)
    s = shuffle.scale
    require(s > 1, "its scale is 1")
    if shuffle.x.shape[3] is None:
        raise NoMatch("the number of its channels is open")
    channels = int(shuffle.x.shape[3])
    filters = channels // s**2
    index = np.arange(channels).reshape(s, s, filters)
    if shuffle.order == "crd":  # channel c s s + a s + b
        index = np.arange(channels).reshape(filters, s, s).transpose(1, 2, 0)
    return shuffle, index


def _by_rows(convolution: Convolution, index: np.ndarray, here: Here) -> Build:
    """A convolution for each row of a block.

    Args:
        convolution: makes all channels.
        index: (rows, columns, channels) -> number of a filter.
        here: the place of both.
    """
    kernel = np.asarray(convolution.kernel)
    bias = None if convolution.bias is None else np.asarray(convolution.bias)

    def build(x: Tensor) -> Tensor:
        emit = here.emitter(like=here.matched[0])
        maps = []
        for a, row in enumerate(index.reshape(len(index), -1)):
            own = None if bias is None else bias[row]
            part = replace(convolution, kernel=kernel[..., row], bias=own)
            maps.append(emit.write(part.on(x), f"_row{a}"))
        return emit.write(Interleaving(maps, index.shape[:2]), "_interleaved")

    return build
