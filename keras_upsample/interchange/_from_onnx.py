"""`from_onnx`: an ONNX file as a native Keras model."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from .._text import printable
from ..errors import ArtefactError, first_line
from ..metadata import attach
from ..metadata._onnx import from_properties
from ._build import build
from ._half import compare_with_half, file_of
from ._input_sizes import input_shapes, observed_at, sizes_to_compare
from ._net import read_net
from ._verify import compare


def from_onnx(
    path: str | Path,
    *,
    input_shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
    name: str | None = None,
    verify: bool = True,
    trust: bool = False,
) -> Any:
    """Read an ONNX file as a Keras model of native layers, channels last, ready to be trained.

    Every weight is one of a layer: those of convolutions and normalisations, and constants that are
    added or multiplied. A Transpose of the file moves nothing: each tensor remembers in which order
    its axes lie, and data move where an operator needs another order.

    Args:
        path: an `.onnx` file of float32 operators, opset 9 to 23; images as (N, C, H, W). One of
            float16 is read as the float32 file of the same weights.
        input_shape: (height, width, channels) of the model. Default: the file's; heights and widths
            that it leaves open stay open. A mapping by the names of inputs, if there are several.
        name: of the model. Default: the file's.
        verify: whether to compare the model with the file in ONNX Runtime: on noise, and at
            several sizes, odd ones included, where they stay open.
        trust: whether you know where the file comes from. If True, it is run in this process at
            once; else first in a child process, see `runtimes.load`.

    Returns:
        The model. It takes images (N, H, W, C) and gives maps (N, H', W', C'); other tensors keep
        the file's order of axes.

    Raises:
        ArtefactError: the file can't be read, or takes too much memory at sizes that it leaves
            open; or it holds an operator that is not read, and the message names the operator, its
            node and the reason.
        InputShapeError: an `ArtefactError` for files whose sizes can't stay open; pass
            `input_shape`.
        VerificationError: the model computes other values than the file.
        ValueError: `input_shape` does not fit.

    Example:
        >>> model = ku.interchange.from_onnx("segmenter.onnx")  # doctest: +SKIP
    """
    path = Path(path)
    net = read_net(path)
    shapes = input_shapes(net, path, input_shape)
    observed = observed_at(net, path, shapes, trust=trust)
    try:
        model = build(net, shapes, name or _plain(path.stem), observed)
    except ArtefactError as error:
        raise type(error)(f"`{printable(path)}`: {error}") from error
    except Exception as error:  # a file whose nodes don't fit together
        raise ArtefactError(f"`{printable(path)}` can't be read: {first_line(error)}.") from error
    found = from_properties(net.properties)
    if found is not None:
        attach(model, found)
    if verify:
        sizes = list(sizes_to_compare(net, shapes, observed))
        limited = observed is not None and not trust  # these sizes are no wish of the user's
        with file_of(net.proto, path) if net.half else nullcontext(path) as same:
            for size in sizes:
                compare(model, net, size, same, found, trust=trust, limited=limited)
        if net.half:
            compare_with_half(model, sizes[0], path, net.last, trust=trust)
    return model


def _plain(stem: str) -> str:
    from ._context import layer_name

    return layer_name(stem, {})
