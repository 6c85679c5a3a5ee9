"""`from_onnx`: an ONNX file as a native Keras model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArtefactError, VerificationError
from ..metadata import attach
from ..metadata._onnx import from_properties
from ..targets import FLOAT32_ERROR
from ._build import build, order_of
from ._net import OnnxNet, read_net

_BATCH = 2


def from_onnx(
    path: str | Path,
    *,
    input_shape: Sequence[int] | None = None,
    name: str | None = None,
    verify: bool = True,
) -> Any:
    """Read an ONNX file as a Keras model of native layers, channels last, ready to be trained.

    Every weight is one of a layer: those of convolutions and normalisations, and constants that are
    added or multiplied. A Transpose of the file moves nothing: each tensor remembers in which order
    its axes lie, and data move where an operator needs another order.

    Args:
        path: an `.onnx` file of float32 operators, opset 9 to 23; images as (N, C, H, W).
        input_shape: (height, width, channels) of the model, if the file leaves them open.
        name: of the model. Default: the file's.
        verify: whether to compare the model with the file in ONNX Runtime, on noise.

    Returns:
        The model. It takes images (N, H, W, C) and gives maps (N, H', W', C'); other tensors keep
        the file's order of axes.

    Raises:
        ArtefactError: the file can't be read, or holds an operator that is not read; the message
            names the operator, its node and the reason.
        VerificationError: the model computes other values than the file.
        ValueError: `input_shape` is missing or does not fit.

    Example:
        >>> model = ku.interchange.from_onnx("segmenter.onnx")  # doctest: +SKIP
    """
    path = Path(path)
    net = read_net(path)
    shapes = _shapes(net, path, input_shape)
    try:
        model = build(net, shapes, name or _plain(path.stem))
    except ArtefactError as error:
        raise ArtefactError(f"`{path}`: {error}") from error
    found = from_properties(net.properties)
    if found is not None:
        attach(model, found)
    if verify:
        _compare(model, net, shapes, path)
    return model


def _plain(stem: str) -> str:
    from ._context import layer_name

    return layer_name(stem, {})


def _shapes(net: OnnxNet, path: Path, asked: Sequence[int] | None) -> dict[str, tuple[int, ...]]:
    """Input -> lengths in the order of ONNX, the batch as 1."""
    if asked is not None and (len(asked) != 3 or min(asked) < 1):
        raise ValueError(
            f"`input_shape` must be (height, width, channels), each >= 1. Received: {asked!r}."
        )
    result = {}
    for label, (lengths, dtype) in net.inputs.items():
        if dtype != np.float32:
            raise ArtefactError(
                f"`{path}`: the input {label!r} has {dtype}; float32 is read. Export the network "
                "in float32."
            )
        shape: tuple[int | None, ...] = (1, *lengths[1:])
        if asked is not None and len(shape) == 4:
            height, width, channels = asked
            wanted = (1, height, width, channels) if net.last else (1, channels, height, width)
            if any(n not in (None, m) for n, m in zip(shape, wanted, strict=True)):
                raise ValueError(
                    f"`input_shape` {tuple(asked)} does not fit the input {label!r}, which is "
                    f"{tuple(lengths)} in the file, "
                    f"{'(N, H, W, C)' if net.last else '(N, C, H, W)'}."
                )
            shape = wanted
        fixed = tuple(n for n in shape if n is not None)
        if len(fixed) < len(shape):
            raise ValueError(
                f"`{path}` leaves sizes of {label!r} open: {tuple(lengths)}. Pass `input_shape`, "
                "e.g. (256, 256, 3)."
            )
        result[label] = fixed
    return result


def _compare(model: Any, net: OnnxNet, shapes: Mapping[str, tuple[int, ...]], path: Path) -> None:
    """Both on noise, with two images where the file takes so many.

    Raises:
        VerificationError: they differ by more than 5e-5 of an output's range.
    """
    import keras

    from ..runtimes import load

    runner = load(path, runtime="onnxruntime", layout="nchw")  # as the file has it, whatever it is
    open_batch = all(lengths[0] is None for lengths, _ in net.inputs.values())
    rng = np.random.default_rng(0)
    count = _BATCH if open_batch else 1
    feeds = {
        label: rng.normal(0.5, 0.5, (count, *shape[1:])).astype("float32")
        for label, shape in shapes.items()
    }
    expected = runner(feeds)
    given = [_last(array, net) for array in feeds.values()]
    outputs = model(given if len(given) > 1 else given[0], training=False)
    flat = [keras.ops.convert_to_numpy(value) for value in keras.tree.flatten(outputs)]
    for label, found in zip(net.outputs, flat, strict=True):
        wanted = _last(expected[label], net)
        if found.shape != wanted.shape:
            raise VerificationError(
                f"`{path}`: the output {label!r} has the shape {found.shape}, in ONNX Runtime "
                f"{wanted.shape}."
            )
        error = np.abs(found.astype("float64") - wanted)
        reach = float(np.ptp(wanted)) or 1.0
        if not error.max() <= FLOAT32_ERROR * reach:
            place = np.unravel_index(int(np.nanargmax(error)), error.shape)
            raise VerificationError(
                f"`{path}`: the output {label!r} differs from ONNX Runtime's by "
                f"{error.max() / reach:.1e} of its range, at {tuple(map(int, place))}. No model "
                "was returned."
            )


def _last(array: np.ndarray, net: OnnxNet) -> np.ndarray:
    """In the order of the model."""
    return array.transpose(order_of(array.ndim, net))
