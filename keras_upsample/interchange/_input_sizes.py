"""Which sizes the inputs of an ONNX file have: its own, the user's, or open ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .._text import printable
from ..errors import ArtefactError, InputShapeError
from ..runtimes._onnx_memory import RunMemoryError
from ._net import OnnxNet
from ._observe import Observed, Shapes, observe

Asked = Sequence[int] | Mapping[str, Sequence[int]] | None
"""(height, width, channels), of one input or by the inputs' names."""

InputShapes = dict[str, tuple[int | None, ...]]
"""Input -> lengths in the order of ONNX, the batch as 1, None where one stays open."""

# Height and width. Even ones that networks of stride 32 take, then odd ones, which tell "half" from
# "rounded up". Networks that don't take them run at the others.
_EVEN = ((128, 160), (192, 96), (224, 256))
_ODD = ((161, 203), (139, 118), (250, 187))
_LAST = ((160, 192), (147, 173))
"""Sizes that decide nothing, for the comparison; the odd one where odd ones were taken."""

_SMALL = ((64, 96), (96, 64), (32, 128), (81, 95), (71, 59), (63, 93))
_LAST_SMALL = ((64, 64), (75, 87))
"""For files that take too much memory at those above: 64 channels of images 8 times larger."""


def input_shapes(net: OnnxNet, path: Path, asked: Asked) -> InputShapes:
    """The file's sizes, with those that the user asks for in place of open ones.

    Raises:
        ArtefactError: an input has no float32, or a batch above 1.
        InputShapeError: an open length other than height and width.
        ValueError: `asked` is no shape, or not the file's.
    """
    wanted = _by_input(net, asked)
    result: InputShapes = {}
    for label, (lengths, dtype) in net.inputs.items():
        if dtype != np.float32:
            raise ArtefactError(
                f"`{printable(path)}`: the input {label!r} has {dtype}; float32 is read. Export "
                "the network in float32."
            )
        if lengths and lengths[0] not in (None, 1):
            raise ArtefactError(
                f"`{printable(path)}`: the input {label!r} is {tuple(lengths)}, a batch of "
                f"{lengths[0]} that "
                "the file fixes. Export the network with a batch of 1, or an open one."
            )
        shape: tuple[int | None, ...] = (1, *lengths[1:])
        if label in wanted and len(shape) == 4:
            shape = _asked(label, lengths, wanted[label], net.last)
        open_axes = {axis for axis, n in enumerate(shape) if n is None}
        if not open_axes <= _image_axes(len(shape), net):
            raise InputShapeError(
                f"`{printable(path)}` leaves lengths of {label!r} open: {tuple(lengths)}. Pass "
                "`input_shape`, e.g. (256, 256, 3)."
            )
        result[label] = shape
    return result


def _by_input(net: OnnxNet, asked: Asked) -> dict[str, tuple[int, ...]]:
    if asked is None:
        return {}
    by_name = dict(asked) if isinstance(asked, Mapping) else dict.fromkeys(net.inputs, asked)
    unknown = [name for name in by_name if name not in net.inputs]
    if unknown:
        raise ValueError(
            f"`input_shape` names {unknown[0]!r}. The inputs are {', '.join(net.inputs)}."
        )
    for shape in by_name.values():
        if len(shape) != 3 or any(not isinstance(n, int) or n < 1 for n in shape):
            raise ValueError(
                "`input_shape` must be (height, width, channels), each >= 1, or such shapes by the "
                f"names of inputs. Received: {asked!r}."
            )
    return {name: tuple(shape) for name, shape in by_name.items()}


def _image_axes(rank: int, net: OnnxNet) -> set[int]:
    if rank != 4:
        return set()
    return {1, 2} if net.last else {2, 3}


def _asked(
    label: str, lengths: Sequence[int | None], asked: Sequence[int], last: bool
) -> tuple[int, ...]:
    height, width, channels = asked
    wanted = (1, height, width, channels) if last else (1, channels, height, width)
    if any(n not in (None, m) for n, m in zip(lengths[1:], wanted[1:], strict=True)):
        raise ValueError(
            f"`input_shape` {tuple(asked)} does not fit the input {label!r}, which is "
            f"{tuple(lengths)} in the file, {'(N, H, W, C)' if last else '(N, C, H, W)'}."
        )
    return wanted


def observed_at(net: OnnxNet, path: Path, shapes: InputShapes, *, trust: bool) -> Observed | None:
    """The file at several sizes, where some stay open; without `trust` in a child process first.

    Raises:
        ArtefactError: ONNX Runtime can't load it, or did not survive it, or takes too much memory.
        InputShapeError: it runs at fewer than two of them.
    """
    if all(None not in shape for shape in shapes.values()):
        return None
    if not trust:
        from ..runtimes._first_load import admit

        admit(path, "onnxruntime")

    def at(sizes: Sequence[tuple[int, int]]) -> Observed:
        return observe(net, path, [_at(size, shapes, net) for size in sizes], trust=trust)

    try:
        observed = at((*_EVEN, *_ODD))
    except RunMemoryError as error:
        observed = at(_SMALL)
        if len(observed.sizes) < 2:
            raise error from None
    if len(observed.sizes) < 2:
        tried = ", ".join(f"{h}x{w}" for h, w in (*_EVEN, *_ODD))
        raise InputShapeError(
            f"`{printable(path)}` leaves its sizes open, and does not run at {tried} in ONNX "
            "Runtime. Pass `input_shape`, a size that it takes."
        )
    return observed


def sizes_to_compare(net: OnnxNet, shapes: InputShapes, observed: Observed | None) -> list[Shapes]:
    """The sizes at which the model and the file are compared."""
    if observed is None:
        return [_at((0, 0), shapes, net)]
    odd = any(
        n % 2 for size in observed.sizes for shape in size.values() for n in shape[1:] if n > 8
    )
    small = observed.sizes[0] in [_at(size, shapes, net) for size in _SMALL]
    last = (_LAST_SMALL if small else _LAST)[odd]
    return [*observed.sizes[:1], *observed.sizes[-1:], _at(last, shapes, net)]


def _at(
    size: tuple[int, int], shapes: Mapping[str, tuple[int | None, ...]], net: OnnxNet
) -> Shapes:
    rows = 1 if net.last else 2
    return {
        label: tuple(size[axis - rows] if n is None else n for axis, n in enumerate(shape))
        for label, shape in shapes.items()
    }
