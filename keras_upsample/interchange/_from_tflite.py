"""`from_tflite`: a TFLite file as a native Keras model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._text import printable
from ..errors import ArtefactError, first_line
from ..metadata import attach, read
from ._build import build
from ._compare import compare_with_file
from ._context import layer_name
from ._fold import folded
from ._net import OnnxNet


def from_tflite(
    path: str | Path, *, name: str | None = None, verify: bool = True, trust: bool = False
) -> Any:
    """Read a TFLite file of floats as a Keras model of native layers, ready to be trained.

    Each operator becomes the layer that `from_onnx` writes for the ONNX operator that computes the
    same. Weights of float16 are read as float32. MediaPipe's operator Convolution2DTransposeBias is
    read too; LiteRT runs it by XNNPACK.

    Args:
        path: a `.tflite` file of float32 operators and fixed sizes; weights of float32 or float16.
        name: of the model. Default: the file's.
        verify: whether to compare the model with the file in LiteRT, on noise
            and, where it takes images of 1 or 3 channels, on a photograph.
        trust: whether you know where the file comes from. If True, it is run in this process at
            once; else first in a child process, see `runtimes.load`.

    Returns:
        The model. Its tensors have the axes of the file's, images (N, H, W, C). The batch is open.

    Raises:
        ArtefactError: the file is damaged or quantised, leaves sizes open, or holds an operator
            that is not read; the message names the operator, its result and the reason.
        VerificationError: the model computes other values than the file.

    Example:
        >>> model = ku.interchange.from_tflite("segmenter.tflite")  # doctest: +SKIP
    """
    from ._tflite._file import read_file
    from ._tflite._net import lengths_of, net_of

    path = Path(path)
    file = read_file(path)
    shapes = {}
    for number, label in file.inputs.items():
        tensor = file.tensors[number]
        lengths = tensor.signature[1:]
        if tensor.kind != "FLOAT32" or not tensor.shape:
            raise ArtefactError(
                f"`{printable(path)}`: the input {label!r} is {tensor.kind.lower()} of shape "
                f"{tensor.shape}; float32 arrays with a batch are read."
            )
        if None in lengths:
            raise ArtefactError(
                f"`{printable(path)}` leaves sizes of {label!r} open: {tensor.signature}. Convert "
                "the model again with fixed sizes."
            )
        shapes[label] = tensor.shape
    try:
        net = net_of(file, path.stem)
        images = [(1, *shape[1:]) for shape in shapes.values()]
        of_one = dict(zip(net.inputs, images, strict=True))
        _check_lengths(net, of_one, lengths_of(file))
        model = build(net, of_one, name or layer_name(path.stem, {}))
    except ArtefactError as error:
        raise ArtefactError(f"`{printable(path)}`: {error}") from error
    except Exception as error:  # of options that fit no layer, in files that are damaged
        raise ArtefactError(f"`{printable(path)}` can't be read: {first_line(error)}") from error
    if verify:
        from ..runtimes import load

        compare_with_file(model, load(path, runtime="litert", trust=trust), shapes, path)
    found = read(path)
    return model if found is None else attach(model, found)


def _check_lengths(
    net: OnnxNet,
    inputs: Mapping[str, tuple[int, ...]],
    stated: Mapping[str, tuple[int | None, ...]],
) -> None:
    """The file's shapes are those that its operators make: no layer is built upon wrong ones.

    Raises:
        ArtefactError: a result has another shape.
    """
    for name, shape in folded(net, inputs).shapes.items():
        wanted = stated.get(name, shape)
        pairs = zip(shape[1:], wanted[1:], strict=False)
        if len(shape) != len(wanted) or any(n not in (m, None) for m, n in pairs):
            raise ArtefactError(
                f"its tensor {name!r} has the shape {wanted}, and what computes it gives {shape}. "
                "The file is damaged, or of a newer schema."
            )
