"""Nearest upsampling and the convolution behind it become one transposed convolution.

One axis, factor s, kernel K of k taps, p zeros before: u[m] = x[floor(m / s)] for 0 <= m < s n, and
y[o] = sum_t K[t] u[o + t - p]. With m = s i + a,

    y[o] = sum_i x[i] sum_{a=0}^{s-1} K[s i + a - o + p] = sum_i x[i] J[o + b - s i],
    b = k - 1 - p,   J[j] = sum_{a=0}^{s-1} K[a + k - 1 - j],   0 <= j <= k + s - 2,

exactly, borders included: m is outside of the upsampled image where i is outside of x. A 3x3
convolution at factor 2 has 9 taps a pixel, J has 16 for 4 pixels. What is concatenated with the
upsampled image first gets its own convolution, for K * [u, v] = K_u * u + K_v * v. The forms of a
transposed convolution are those of `_phases` and `_interleaved`.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from ...export.targets import AT_FEW_CHANNELS, INTERLEAVED, INTERLEAVED_ADDED, NEAREST
from .._emit import Emitter
from .._graph import Build, Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._views import (
    Convolution,
    Resize,
    Transposed,
    concatenation_of,
    convolution_of,
    resize_of,
)
from . import _interleaved, _parts, _phases

NAME = NEAREST


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """Nearest by whole factors -> [Concatenate ->] Conv2D of stride 1."""
    view = convolution_of(node)
    if (
        view is None
        or around.shared(node)
        or view.depthwise
        or view.strides != (1, 1)
        or view.dilation != (1, 1)
        or isinstance(view.pads, str)
        or view.size == (1, 1)
        or any(p > k - 1 for k, pair in zip(view.size, view.pads, strict=True) for p in pair)
    ):
        return None
    maker = around.maker(view.x)
    if maker is None:
        return None
    resize = _nearest(maker)
    if resize is not None:
        return _alone(node, view, maker, resize)
    parts = concatenation_of(maker)
    if parts is None:
        return None
    for index, part in enumerate(parts):
        up = around.maker(part)
        resize = None if up is None else _nearest(up)
        if up is not None and resize is not None:
            return _beside(node, view, maker, up, resize, parts, index)
    return None


def _nearest(node: Node) -> Resize | None:
    resize = resize_of(node)
    whole = resize is not None and resize.interpolation == "nearest" and resize.scale is not None
    return resize if whole and resize is not None and max(resize.scale or (1,)) > 1 else None


def _alone(node: Node, view: Convolution, maker: Node, resize: Resize) -> Rewrite:
    names = sources(maker, node)
    transposed = _as_transposed(view, np.asarray(view.kernel, "float64"), resize)

    def emitter() -> Emitter:
        return Emitter(node.operation, names)

    return Rewrite(
        NAME,
        names,
        (resize.x,),
        node.outputs[0],
        _phases.forms(transposed, emitter) | _interleaved.forms(transposed, emitter),
        _gain(view, transposed, 0),
        block=_block(view, resize, 0),
    )


def _beside(
    node: Node,
    view: Convolution,
    concat: Node,
    up: Node,
    resize: Resize,
    parts: list[Tensor],
    index: int,
) -> Rewrite:
    names = sources(up, concat, node)
    others = tuple(part for i, part in enumerate(parts) if i != index)
    widths = [int(part.shape[3] or 0) for part in parts]
    begin = sum(widths[:index])
    own = slice(begin, begin + widths[index])
    kernel = np.asarray(view.kernel, "float64")
    rest = np.delete(kernel, np.arange(own.start, own.stop), axis=2)
    transposed = replace(_as_transposed(view, kernel[:, :, own], resize), bias=None)

    def emitter() -> Emitter:
        return Emitter(node.operation, names)

    linear = replace(transposed, activation=None)
    alone = _phases.forms(linear, emitter)
    for build in _interleaved.forms(linear, emitter).values():
        alone[INTERLEAVED_ADDED] = build

    def added(x: Tensor, *skips: Tensor, form: str) -> Tensor:
        import keras

        emit = emitter()
        y = alone[form](x)
        skip = _parts.concatenated(skips, emit)
        bias = None if view.bias is None else np.asarray(view.bias)
        z = emit.convolution(skip, rest, bias, pads=view.pads, suffix="_skip")
        total = emit.call(keras.layers.Add(name=f"{emit.name}_add", dtype=emit.policy), y, z)
        return emit.activation(total, view.activation)

    forms: dict[str, Build] = {form: partial(added, form=form) for form in alone}
    forms |= _interleaved.forms(transposed, emitter, beside=replace(view, kernel=rest))
    return Rewrite(
        NAME,
        names,
        (resize.x, *others),
        node.outputs[0],
        _by_what_pays(forms, widths[index], int(view.kernel.shape[3])),
        _gain(view, transposed, rest.shape[2]),
        block=_block(view, resize, rest.shape[2]),
    )


def _by_what_pays(forms: dict[str, Build], channels: int, filters: int) -> dict[str, Build]:
    """Forms whose names say where they may be slower.

    Interleaving saves multiply-adds of the channels, and moves and adds the filters' results. By
    Vela's estimates (docs/lowering.md) it pays from two channels a filter, and from 16 filters, in
    which Ethos-U lays its maps out.
    """
    if channels >= 2 * filters and filters >= 16:
        return forms
    few = (INTERLEAVED, INTERLEAVED_ADDED)
    return {name + AT_FEW_CHANNELS * (name in few): form for name, form in forms.items()}


def _as_transposed(view: Convolution, kernel: np.ndarray, resize: Resize) -> Transposed:
    scale = resize.scale or (1, 1)
    if isinstance(view.pads, str):
        raise ValueError("the pads of a convolution of stride 1 are known")
    (top, bottom), (left, right) = view.pads
    rows, columns = view.size
    spread = _spread(_spread(kernel, scale[0], 0), scale[1], 1)
    return Transposed(
        resize.x,
        spread.transpose(0, 1, 3, 2),
        view.bias,
        scale,
        ((rows - 1 - top, rows - 1 - bottom), (columns - 1 - left, columns - 1 - right)),
        view.activation,
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


def _block(view: Convolution, resize: Resize, skip_channels: int) -> str:
    rows, columns, channels, filters = (int(n) for n in view.kernel.shape)
    height, width = resize.x.shape[1:3]
    beside = f" beside {skip_channels}" if skip_channels else ""
    scale = "x".join(map(str, resize.scale or ()))
    return (
        f"nearest {scale} of {channels - skip_channels} channels at {height}x{width}{beside}, "
        f"convolution {rows}x{columns} to {filters}"
    )
