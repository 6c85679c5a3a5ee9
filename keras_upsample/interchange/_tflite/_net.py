"""A TFLite file as the net of ONNX operators that computes the same."""

from collections.abc import Sequence

import numpy as np

from ...errors import ArtefactError
from .._context import UnreadError
from .._net import OnnxNet
from ._file import TfliteFile, TfliteOperator
from ._operators import FUSED, KINDS
from ._writer import Here, Writer

_OPSET = 20


def net_of(file: TfliteFile, name: str) -> OnnxNet:
    """The net; its tensors have the axes of the file's, images their channels last.

    Raises:
        ArtefactError: an operator is not read; the message names it, its result and the reason.
    """
    writer = Writer(file)
    for operator in _needed(file):
        try:
            if operator.kind not in KINDS:
                raise UnreadError("this operator is not read yet")
            _write(writer, operator)
        except UnreadError as error:
            of = file.tensors[operator.outputs[0]].name if operator.outputs else ""
            raise ArtefactError(
                f"{operator.kind} of {of!r} can't be read: {error}. Nothing was made of it."
            ) from error
    inputs = {
        writer.names[i]: ((None, *file.tensors[i].signature[1:]), np.dtype("float32"))
        for i in file.inputs
    }
    outputs = [writer.names[i] for i in file.outputs]
    properties = {"layout": "nhwc"}
    return OnnxNet(name, writer.finished(), inputs, outputs, writer.constants, _OPSET, properties)


def lengths_of(file: TfliteFile) -> dict[str, tuple[int | None, ...]]:
    """Tensor of the net -> its lengths, None where the file leaves one open."""
    return {name: file.tensors[number].signature for number, name in Writer(file).names.items()}


def _needed(file: TfliteFile) -> Sequence[TfliteOperator]:
    """The operators that an output needs: shapes that a file computes are in its tensors too."""
    needed, kept = set(file.outputs), []
    for operator in reversed(file.operators):
        if needed.intersection(operator.outputs):
            needed.update(i for i in _read(operator) if i >= 0)
            kept.append(operator)
    return kept[::-1]


def _read(operator: TfliteOperator) -> Sequence[int]:
    """The inputs whose values count: lengths of results are taken from the tensors."""
    lengths = {
        "TRANSPOSE_CONV": (0,),
        "RESHAPE": (1,),
        "EXPAND_DIMS": (1,),
        "RESIZE_BILINEAR": (1,),
        "RESIZE_NEAREST_NEIGHBOR": (1,),
    }.get(operator.kind, ())
    return [i for place, i in enumerate(operator.inputs) if place not in lengths]


def _write(writer: Writer, operator: TfliteOperator) -> None:
    here, since = Here(writer, operator), len(writer.nodes)
    result = KINDS[operator.kind](here)
    fused = operator.option("fused_activation_function")
    if fused and not isinstance(result, list):
        if fused not in FUSED:
            raise UnreadError(f"activation {fused} within it")
        kind, limits = FUSED[fused]
        result = here.write(
            kind, result, *(here.constant(limit) for limit in limits), suffix="_activation"
        )
    results = result if isinstance(result, list) else [result]
    names = {
        old: writer.names[number] for old, number in zip(results, operator.outputs, strict=True)
    }
    writer.rename(names, since)
