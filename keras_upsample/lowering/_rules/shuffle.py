"""A pixel shuffle in operators that a target without DEPTH_TO_SPACE has.

y[s i + a, s j + b, c] = x[i, j, (a s + b) C + c]. In memory the s C channels of a pixel that belong
to one a are s pixels of C channels, so that only the rows are to be interleaved: "interleaved"
cuts the channels of x by rows, "by rows" cuts the filters of the convolution that makes x, which
costs it nothing and serves any order of the channels. And it is the transposed convolution with the
kernel K[a, b, c, d] = 1 where d = (a s + b) C + c, else 0, at stride s: no two pixels of x meet.
"""

import numpy as np

from ...export.targets import INTERLEAVED, SHUFFLE
from .._activations import by_element
from .._emit import Emitter
from .._graph import Build, Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._views import Convolution, convolution_of, shuffle_of

NAME = SHUFFLE
BY_ROWS, ONE_HOT = "by rows", "one-hot transposed"


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """[Conv2D ->] PixelShuffle2D or depth_to_space."""
    view = shuffle_of(node)
    if view is None or view.scale == 1 or view.x.shape[3] is None:
        return None
    s, channels = view.scale, int(view.x.shape[3])
    filters = channels // s**2
    index = np.arange(channels).reshape(s, s, filters)
    if view.order == "crd":  # channel c s s + a s + b
        index = np.arange(channels).reshape(filters, s, s).transpose(1, 2, 0)

    def one_hot(x: Tensor) -> Tensor:
        kernel = np.zeros((s, s, filters, channels), "float32")
        a, b, c = np.indices((s, s, filters))
        kernel[a, b, c, index] = 1
        emit = Emitter(node.operation, sources(node))
        return emit.transposed(x, kernel, None, scale=(s, s), crop=((0, 0), (0, 0)))

    def interleaved(x: Tensor) -> Tensor:
        return Emitter(node.operation, sources(node)).interleaved([x], (s, s))

    names, x = sources(node), view.x
    forms: dict[str, Build] = {ONE_HOT: one_hot}
    if view.order == "dcr":
        forms = {INTERLEAVED: interleaved, **forms}
    maker = around.maker(x)
    made = None if maker is None else convolution_of(maker)
    if (
        maker is not None
        and made is not None
        and not made.depthwise
        and by_element(made.activation)
    ):
        names, x = sources(maker, node), made.x
        forms = {BY_ROWS: _by_rows(made, index, Emitter(maker.operation, names))}
    return Rewrite(
        NAME,
        names,
        (x,),
        node.outputs[0],
        forms,
        "no operator that falls back to the CPU",
        block=f"shuffle {s} of {channels} channels",
    )


def _by_rows(view: Convolution, index: np.ndarray, emitter: Emitter) -> Build:
    """A convolution for each row of a block.

    Args:
        view: makes all channels.
        index: (rows, columns, channels) -> number of a filter.
        emitter: of the build.
    """
    kernel = np.asarray(view.kernel)
    bias = None if view.bias is None else np.asarray(view.bias)

    def build(x: Tensor) -> Tensor:
        maps = []
        for a, row in enumerate(index.reshape(len(index), -1)):
            own = None if bias is None else bias[row]
            maps.append(emitter.changed(view, kernel[..., row], own, x, suffix=f"_row{a}"))
        return emitter.interleaved(maps, index.shape[:2])

    return build
