"""ONNX files of float16, read as the float32 file of the same weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .._text import printable
from ..errors import VerificationError
from ..files._scratch import scratch

_ROUNDED = 1e-2
"""Of an output's range, as the gate of float16 files."""


def has_float16(proto: Any) -> bool:
    """Whether a file has weights, casts or tensors of float16."""
    import onnx

    half = onnx.TensorProto.FLOAT16
    tensors, casts, values = _typed(proto)
    return (
        any(tensor.data_type == half for tensor in tensors)
        or any(cast.i == half for cast in casts)
        or any(value.type.tensor_type.elem_type == half for value in values)
    )


def in_float32(proto: Any) -> None:
    """Put float32 for every float16 of a file.

    The file's results differ from those of the float32 file by the rounding of its tensors.
    """
    import onnx
    from onnx import numpy_helper

    half, single = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
    tensors, casts, values = _typed(proto)
    for tensor in tensors:
        if tensor.data_type == half:
            wide = numpy_helper.to_array(tensor).astype("float32")
            tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
    for cast in casts:
        if cast.i == half:
            cast.i = single
    for value in values:
        if value.type.tensor_type.elem_type == half:
            value.type.tensor_type.elem_type = single


def _typed(proto: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The parts of a file that say a type: arrays, what casts make, ends and hints of tensors."""
    graph = proto.graph
    constants = [a.t for node in graph.node for a in node.attribute if a.HasField("t")]
    casts = [
        attribute
        for node in graph.node
        for attribute in node.attribute
        if node.op_type == "Cast" and attribute.name == "to"
    ]
    return [*graph.initializer, *constants], casts, [*graph.input, *graph.output, *graph.value_info]


@contextmanager
def file_of(proto: Any, path: Path) -> Iterator[Path]:
    """A file of this content and the name of `path`, deleted afterwards."""
    import onnx

    with scratch() as folder:
        copy = folder / path.name
        onnx.save(proto, str(copy))
        yield copy


def compare_with_half(
    model: Any,
    shapes: Mapping[str, tuple[int, ...]],
    path: Path,
    last: bool,
    *,
    trust: bool = False,
) -> None:
    """The model beside the float16 file itself, on noise.

    Raises:
        VerificationError: they differ by more than 1e-2 of an output's range.
    """
    from ..runtimes import load
    from ._compare import outputs_of
    from ._value import CHANNELS_LAST

    def kept(array: np.ndarray) -> np.ndarray:
        return array if last or array.ndim < 4 else array.transpose(CHANNELS_LAST[array.ndim])

    runner = load(path, runtime="onnxruntime", layout="nchw", trust=trust)
    rng = np.random.default_rng(1)
    feeds = {
        info.name: rng.normal(0.5, 0.5, shape).astype(info.dtype)
        for info, shape in zip(runner.inputs, shapes.values(), strict=True)
    }
    expected = runner(feeds).values()
    found = outputs_of(model, [kept(array.astype("float32")) for array in feeds.values()])
    for label, ours, theirs in zip(model.output_names, found, expected, strict=True):
        theirs = kept(theirs).astype("float64")
        error = float(np.abs(ours - theirs).max()) / (float(np.ptp(theirs)) or 1.0)
        if not error <= _ROUNDED:
            raise VerificationError(
                f"`{printable(path)}`: the output {label!r} differs from the float16 file in ONNX "
                "Runtime by "
                f"{error:.1e} of its range; at most {_ROUNDED:g} is rounding. No model was "
                "returned."
            )
