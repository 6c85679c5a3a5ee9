"""`from_ncnn`: a net of ncnn as a native Keras model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._text import printable
from ..errors import ArtefactError, first_line
from ._agreement import check_agreement
from ._context import layer_name
from .ncnn._net import build, channels_of
from .ncnn._param import parse
from .ncnn._run import installed, run

_SIDE = 60  # of the noise for an open size, rounded up to `multiple`


def from_ncnn(
    param: str | Path,
    bin: str | Path,
    *,
    input_shape: Sequence[int | None] | None = None,
    multiple: int = 1,
    name: str | None = None,
    verify: bool | None = None,
) -> Any:
    """Read a net of ncnn as a Keras model of native layers, channels last, ready to be trained.

    Weights in float16 become float32. Sizes may stay open: convolutions, crops and resizes are
    followed as functions of the image's height and width.

    Args:
        param: the `.param` file, the text with the magic 7767517.
        bin: the `.bin` file with its weights, float32 or float16.
        input_shape: (height, width, channels), None for an open height or width. Default: the
            file's channels, height and width open.
        multiple: what open heights and widths will be multiples of. A net that halves its maps
            and crops them to fit asks for one, e.g. 4.
        name: of the model. Default: the file's.
        verify: whether to compare the model with the net in ncnn, on noise. Default: if the package
            `ncnn` is installed.

    Returns:
        The model. It takes images (N, H, W, C) and gives images (N, H', W', C'), or 1x1 pixel for
        a blob of one axis.

    Raises:
        ArtefactError: a file can't be read, or holds a layer that is not read; the message names
            the layer and the reason.
        VerificationError: the model computes other values than the net.
        ModuleNotFoundError: `verify=True` without the package `ncnn`.
        ValueError: `input_shape` is missing or does not fit, or `multiple` is below 1.

    Example:
        >>> model = ku.interchange.from_ncnn("net.param", "net.bin")  # doctest: +SKIP
    """
    param, bin = Path(param), Path(bin)
    if isinstance(multiple, bool) or not isinstance(multiple, int) or multiple < 1:
        raise ValueError(f"`multiple` must be a whole number from 1 up. Received: {multiple!r}.")
    text, content = _read(param), _read(bin)
    try:
        layers = parse(text.decode("utf-8", errors="replace"))
        image = _image(input_shape, channels_of(layers), param)
        model = build(layers, content, image, multiple, name or layer_name(param.stem, {}))
    except ArtefactError as error:
        raise ArtefactError(f"`{param}`: {error}") from error
    if verify is None:
        verify = installed()
    if verify:
        _compare(model, param, bin, image, multiple)
    return model


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtefactError(
            f"`{printable(path)}` can't be read: {first_line(error)}. Pass a `.param` and a `.bin` "
            "file."
        ) from error


def _image(
    asked: Sequence[int | None] | None, channels: int | None, path: Path
) -> tuple[int | None, int | None, int]:
    if asked is None:
        if channels is None:
            raise ValueError(
                f"`{printable(path)}` does not say how many channels its image has. Pass "
                "`input_shape`, e.g. (None, None, 3)."
            )
        return None, None, channels
    sizes = tuple(asked)
    whole = all(n is None or (isinstance(n, int) and n >= 1) for n in sizes)
    if len(sizes) != 3 or not whole or sizes[2] is None:
        raise ValueError(
            "`input_shape` must be (height, width, channels), each >= 1, or None for an open "
            f"height or width. Received: {asked!r}."
        )
    if channels is not None and sizes[2] != channels:
        raise ValueError(
            f"`input_shape` {sizes} does not fit `{printable(path)}`, whose image has {channels} "
            "channels."
        )
    return sizes[0], sizes[1], sizes[2]


def _compare(model: Any, param: Path, bin: Path, image: Any, multiple: int) -> None:
    """Both on noise.

    Raises:
        VerificationError: they differ by more than 5e-5 of an output's range.
    """
    import keras

    side = -(-_SIDE // multiple) * multiple
    shape = [side if n is None else n for n in image]
    noise = np.random.default_rng(0).random(shape, "float32")
    expected = run(param, bin, noise)
    found = keras.tree.flatten(model(noise[None], training=False))
    for label, value in zip(model.output_names, found, strict=True):
        ours = keras.ops.convert_to_numpy(value)[0]
        wanted = expected[label]
        reach = float(np.ptp(wanted)) or 1.0
        check_agreement(f"`{param}`: the output {label!r}", "ncnn", ours, wanted, reach)
