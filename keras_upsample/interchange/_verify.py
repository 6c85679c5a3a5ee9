"""The model that was read, compared with the file in ONNX Runtime."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .._text import printable
from ..data import photograph
from ..errors import VerificationError, first_line
from ..metadata import Metadata
from ..runtimes._onnx_memory import RunMemoryError, first_runs
from ._agreement import check_agreement
from ._before_sigmoid import before_sigmoid, squashed
from ._build import order_of
from ._compare import outputs_of
from ._half import file_of
from ._net import OnnxNet

_BATCH = 2
_PHOTOGRAPHS = ("astronaut", "chelsea")


def compare(
    model: Any,
    net: OnnxNet,
    shapes: Mapping[str, tuple[int, ...]],
    path: Path,
    metadata: Metadata | None = None,
    *,
    trust: bool = False,
    limited: bool = False,
) -> None:
    """Both on noise, and on photographs where the range of the input is known; with two images
    where the file takes so many.

    Where the two differ by more than the gate, and by little, both are compared with the file in
    float64: a net that amplifies rounding is no wrong model. What ends with a sigmoid is compared
    in front of it too.

    Args:
        limited: whether the file may take no more memory than first runs may.

    Raises:
        RunMemoryError: it takes more.
        VerificationError: they differ by more than 5e-5 of an output's range, and the model is
            further from float64 than ONNX Runtime is by more than that.
    """
    from ..runtimes import load

    raw = before_sigmoid(model, net)
    if raw is not None:
        with file_of(raw[1].proto, path) as file:
            compare(*raw, shapes, file, metadata, trust=trust, limited=limited)
    natural = squashed(net) if raw is not None else {}
    # The layout is as the file has it, whatever that is.
    with first_runs(limited=limited, images=_BATCH):
        runner = load(path, runtime="onnxruntime", layout="nchw", trust=trust)
    open_batch = all(lengths[0] is None for lengths, _ in net.inputs.values())
    count = _BATCH if open_batch else 1
    for feeds in _inputs(shapes, count, net, metadata):
        expected = _run(path, "in ONNX Runtime", runner, feeds)
        given = [_last(array, net) for array in feeds.values()]
        outputs = _run(path, "as a model", outputs_of, model, given)
        for label, found in zip(net.outputs, outputs, strict=True):
            wanted = _last(expected[label], net)
            # A sigmoid gives [0, 1]; in front of it the range is that of the values there.
            check_agreement(
                f"`{printable(path)}`: the output {label!r}",
                "ONNX Runtime",
                found,
                wanted,
                1.0 if label in natural else _range(wanted),
                partial(_exactly, net, feeds, label),
            )


def _run(path: Path, where: str, call: Any, *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except RunMemoryError:
        raise
    except Exception as error:  # of ONNX Runtime, Keras or TensorFlow
        raise VerificationError(
            f"`{printable(path)}` can't be run {where}: {first_line(error)}. No model was returned."
        ) from error


def _range(values: np.ndarray) -> float:
    """Of those that are finite; 1 where it is none."""
    finite = values[np.isfinite(values)].astype("float64")
    return (float(np.ptp(finite)) if finite.size else 0.0) or 1.0


def _inputs(
    shapes: Mapping[str, tuple[int, ...]], count: int, net: OnnxNet, metadata: Metadata | None
) -> Iterator[dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    yield {
        label: rng.normal(0.5, 0.5, (count, *shape[1:])).astype("float32")
        for label, shape in shapes.items()
    }
    facts = {each.name: each for each in metadata.inputs} if metadata else {}
    ranges = {label: _range_of(facts, label) for label in shapes}
    pictures = {
        label: _pictures(shape, count, limits, net.last)
        for (label, shape), limits in zip(shapes.items(), ranges.values(), strict=True)
        if limits is not None and len(shape) == 4
    }
    if len(pictures) == len(shapes):
        yield pictures


def _range_of(facts: Mapping[str, Any], label: str) -> tuple[float, float] | None:
    found = facts.get(label) or (next(iter(facts.values())) if len(facts) == 1 else None)
    return found.value_range if found else None


def _pictures(
    shape: tuple[int, ...], count: int, limits: tuple[float, float], last: bool
) -> np.ndarray:
    """Photographs in the range of the input, in the file's layout."""
    height, width, channels = shape[1:] if last else (*shape[2:], shape[1])
    low, high = limits
    taken = [photograph(name, (height, width)) for name in _PHOTOGRAPHS[:count]]
    array = np.stack(taken)[..., np.arange(channels) % 3] / 255
    scaled = (low + (high - low) * array).astype("float32")
    return scaled if last else scaled.transpose(0, 3, 1, 2)


def _last(array: np.ndarray, net: OnnxNet) -> np.ndarray:
    """In the order of the model."""
    return array.transpose(order_of(array.ndim, net))


def _exactly(net: OnnxNet, feeds: Mapping[str, np.ndarray], label: str) -> np.ndarray:
    return _last(in_double(net, feeds)[label], net)


def in_double(net: OnnxNet, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of the file in float64, by ONNX' reference evaluator."""
    import onnx
    from onnx import numpy_helper
    from onnx.reference import ReferenceEvaluator

    model = onnx.ModelProto()
    model.CopyFrom(net.proto)
    graph = model.graph
    single, double = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE
    constants = [a.t for node in graph.node for a in node.attribute if a.HasField("t")]
    for tensor in (*graph.initializer, *constants):
        if tensor.data_type == single:
            wide = numpy_helper.to_array(tensor).astype("float64")
            tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == single:
                attribute.i = double
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == single:
            value.type.tensor_type.elem_type = double
    del graph.value_info[:]
    given = {name: array.astype("float64") for name, array in feeds.items()}
    results = ReferenceEvaluator(model).run(None, given)
    return dict(zip(net.outputs, results, strict=True))
