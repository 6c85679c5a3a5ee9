"""Nearest upsampling followed by a convolution becomes one transposed convolution.

One axis, factor s, kernel K of k taps, p zeros before: u[m] = x[floor(m / s)] for 0 <= m < s n, and
y[o] = sum_t K[t] u[o + t - p]. With m = s i + a,

    y[o] = sum_i x[i] sum_{a=0}^{s-1} K[s i + a - o + p] = sum_i x[i] J[o + b - s i],
    b = k - 1 - p,   J[j] = sum_{a=0}^{s-1} K[a + k - 1 - j],   0 <= j <= k + s - 2,

exactly, borders included: m is outside of the upsampled image where i is outside of x. A 3x3
convolution at factor 2 has 9 taps a pixel, J has 16 for 4 pixels. What is concatenated with the
upsampled image first gets its own convolution, for K * [u, v] = K_u * u + K_v * v. So does what a
linear 1x1 convolution P adds to it, as the lateral connections of an FPN do: with its bias b in
front of the upsampling, K * (u + (P v + b)) = K * up(x + b) + (K P) * v, and the zeros of the
padding stay zeros. The forms of a transposed convolution are those of `_phases` and `_interleaved`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ...program._graph import Build, Tensor
from ...program._keras_reader import resize_of
from ...program._operations import (
    Activation,
    Affine,
    Concatenation,
    Convolution,
    Dense,
    Pads,
    Resize,
    Sum,
    Transposed,
)
from ...targets._names import INTERLEAVED, INTERLEAVED_ADDED, NEAREST
from .._match import Here, NoMatch, require
from .._rewrite import Block, Form, Rewrite, block
from . import _interleaved, _parts, _phases, _resizes

NAME = NEAREST


def alone(here: Here) -> Rewrite:
    """Nearest by whole factors -> convolution of stride 1."""
    convolution, pads = _of_stride_1(here)
    resize = here.behind(convolution.x, Resize)
    require(_is_nearest(resize), f"the resize is {resize.interpolation}, or by no whole factor")
    transposed = _as_transposed(convolution, pads, convolution.exact_kernel, resize)
    return here.rewrite(
        (resize.x,),
        _phases.forms(transposed, here.emitter) | _interleaved.forms(transposed, here.emitter),
        _gain(convolution, transposed, 0),
        block=_block(convolution, resize),
    )


def beside(here: Here) -> Rewrite:
    """Nearest by whole factors -> concatenation of channels -> convolution of stride 1."""
    convolution, pads = _of_stride_1(here)
    parts = here.behind(convolution.x, Concatenation).parts
    index, resize = _find_upsampled(parts, here)
    others = tuple(part for i, part in enumerate(parts) if i != index)
    widths = [int(part.shape[3] or 0) for part in parts]
    begin = sum(widths[:index])
    own = slice(begin, begin + widths[index])
    kernel = convolution.exact_kernel
    rest = replace(convolution, kernel=np.delete(kernel, np.arange(own.start, own.stop), axis=2))
    transposed = _as_transposed(convolution, pads, kernel[:, :, own], resize)
    linear = replace(transposed, bias=None, activation=None)
    apart = _phases.forms(linear, here.emitter)
    for build in _interleaved.forms(linear, here.emitter).values():
        apart[INTERLEAVED_ADDED] = build

    def added(x: Tensor, *skips: Tensor, form: str) -> Tensor:
        emit = here.emitter()
        y = apart[form](x)
        skip = _parts.concatenate(skips, emit)
        z = emit.write(replace(rest, x=skip, activation=None), "_skip")
        total = emit.write(Sum((y, z)), "_add")
        return emit.write(Activation(total, convolution.activation), "_activation")

    builds: dict[str, Build] = {form: partial(added, form=form) for form in apart}
    together = replace(transposed, bias=None)
    builds |= _interleaved.forms(together, here.emitter, beside=rest)
    interleaving = _interleaving_pays(widths[index], int(convolution.kernel.shape[3]))
    forms = {
        name: Form(build, interleaving or name not in (INTERLEAVED, INTERLEAVED_ADDED))
        for name, build in builds.items()
    }
    skip_channels = sum(widths) - widths[index]
    return here.rewrite(
        (resize.x, *others),
        forms,
        _gain(convolution, transposed, skip_channels),
        block=_block(convolution, resize, skip_channels),
    )


def lateral(here: Here) -> Rewrite:
    """Nearest by whole factors + linear 1x1 convolution -> convolution of stride 1."""
    convolution, pads = _of_stride_1(here)
    parts = here.behind(convolution.x, Sum).parts
    require(len(parts) == 2, "the sum has more than two terms")
    index, resize = _find_upsampled(parts, here, "sum")
    first = _resizes.as_convolution(here.behind(parts[1 - index], Convolution, Dense))
    name = repr(here.matched[0].name)
    require(first is not None and first.pointwise, f"{name} is no 1x1 convolution")
    assert first is not None
    require(first.activation is None, f"{name} has an activation")
    kernel = convolution.exact_kernel
    merged = np.einsum("io,hwop->hwip", first.exact_kernel[0, 0], kernel)
    skip = replace(convolution, kernel=merged, activation=None)
    bias = first.exact_bias
    transposed = _as_transposed(convolution, pads, kernel, resize)
    linear = replace(transposed, bias=None, activation=None)
    apart = _phases.forms(linear, here.emitter)

    def added(x: Tensor, lateral: Tensor, form: str) -> Tensor:
        emit = here.emitter()
        if bias is not None and np.any(bias):
            x = emit.write(Affine(x, np.ones_like(bias), bias), "_bias")
        y = apart[form](x)
        z = emit.write(skip.on(lateral), "_skip")
        total = emit.write(Sum((y, z)), "_add")
        return emit.write(Activation(total, convolution.activation), "_activation")

    before = first.exact_kernel.size + kernel.size
    forms = {}
    for form in apart:
        after = _phases.multiply_adds(transposed, form) + merged.size
        forms[form] = Form(partial(added, form=form), pays=after < before)
    least = min(_phases.multiply_adds(transposed, form) for form in forms) + merged.size
    return here.rewrite(
        (resize.x, first.x),
        forms,
        f"multiply-adds x{least / before:.2f}, and no upsampled copy",
        block=_block(convolution, resize, lateral_channels=int(first.kernel.shape[2])),
    )


PATTERNS = (alone, beside, lateral)


def _of_stride_1(here: Here) -> tuple[Convolution, Pads]:
    """The convolution, and its padding."""
    convolution = here.this(Convolution)
    name = repr(here.node.name)
    require(not convolution.depthwise, f"{name} is depthwise")
    require(convolution.strides == (1, 1), f"{name} has strides")
    require(convolution.dilation == (1, 1), f"{name} is dilated")
    require(convolution.size != (1, 1), f"{name} is 1x1")
    pads = convolution.pads
    if isinstance(pads, str):
        raise ValueError("the pads of a convolution of stride 1 are known")
    inside = all(p < k for k, pair in zip(convolution.size, pads, strict=True) for p in pair)
    require(inside, f"{name} has padding beyond its kernel")
    return convolution, pads


def _is_nearest(resize: Resize) -> bool:
    return resize.interpolation == "nearest" and max(resize.scale or (1,)) > 1


def _find_upsampled(
    parts: Sequence[Tensor], here: Here, of: str = "concatenation"
) -> tuple[int, Resize]:
    """The first part that is upsampled by nearest, and how; its node joins the pattern."""
    reason = NoMatch(f"no part of the {of} is upsampled by nearest and whole factors")
    for index, part in enumerate(parts):
        resize = None if part.node is None else resize_of(part.node)
        if resize is None or not _is_nearest(resize):
            continue
        try:
            return index, here.behind(part, Resize)
        except NoMatch as why:
            reason = why
    raise reason


def _interleaving_pays(channels: int, filters: int) -> bool:
    """Whether the phases beside a concatenation are faster for sure.

    Interleaving saves multiply-adds of the channels, and moves and adds the filters' results. By
    Vela's estimates (docs/lowering.md) it pays from two channels a filter, and from 16 filters, in
    which Ethos-U lays its maps out.
    """
    return channels >= 2 * filters and filters >= 16


def _as_transposed(
    convolution: Convolution, pads: Pads, kernel: np.ndarray, resize: Resize
) -> Transposed:
    scale = resize.scale or (1, 1)
    (top, bottom), (left, right) = pads
    rows, columns = convolution.size
    spread = _spread(_spread(kernel, scale[0], 0), scale[1], 1)
    return Transposed(
        resize.x,
        spread.transpose(0, 1, 3, 2),
        convolution.bias,
        convolution.activation,
        scale,
        ((rows - 1 - top, rows - 1 - bottom), (columns - 1 - left, columns - 1 - right)),
    )


def _spread(kernel: np.ndarray, scale: int, axis: int) -> np.ndarray:
    """J[j] = sum_a K[a + k - 1 - j]: K turned round, and its sums over a window of s taps."""
    turned = np.flip(kernel, axis)
    shape = list(kernel.shape)
    shape[axis] += scale - 1
    total = np.zeros(shape)
    for a in range(scale):
        index = [slice(None)] * kernel.ndim
        index[axis] = slice(a, a + kernel.shape[axis])
        total[tuple(index)] += turned
    return total


def _gain(view: Convolution, transposed: Transposed, skip_channels: int) -> str:
    rows, columns, channels, filters = (int(n) for n in view.kernel.shape)
    rest = rows * columns * skip_channels * filters
    before = rows * columns * channels * filters
    after = _phases.multiply_adds(transposed, _phases.TRANSPOSED) + rest
    return f"multiply-adds x{after / before:.2f}, and no upsampled copy"


def _block(
    view: Convolution, resize: Resize, skip_channels: int = 0, lateral_channels: int = 0
) -> Block:
    rows, columns, channels, filters = (int(n) for n in view.kernel.shape)
    scale = "x".join(map(str, resize.scale or ()))
    kind = f"nearest {scale} of {{}} channels at {{}}x{{}}, convolution {rows}x{columns} to {{}}"
    sizes = [channels - skip_channels, *resize.x.shape[1:3], filters]
    for words, size in ((", beside {}", skip_channels), (", plus 1x1 of {}", lateral_channels)):
        if size:
            kind, sizes = kind + words, [*sizes, size]
    return block(kind, *sizes)
