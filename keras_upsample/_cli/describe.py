"""What `keras-upsample info` prints."""

from collections.abc import Iterator
from typing import Any


def describe(model: Any, size: int, layers: bool) -> Iterator[str]:
    """Lines on a model: inputs, outputs, parameters, multiply-adds, and each layer if asked."""
    from ..export._signature import signature_of
    from ..zoo import multiply_adds

    signature = signature_of(model)
    yield f"model          {model.name}"
    for spec in signature.inputs:
        yield f"input          {spec.name} {_shape(spec.shape)} {spec.dtype}"
    for tensor in getattr(model, "outputs", None) or ():
        yield f"output         {_shape(tensor.shape)} {tensor.dtype}"
    yield f"parameters     {model.count_params():,}"
    spec = signature.inputs[0]
    if len(signature.inputs) == 1 and len(spec.shape) == 4:
        shape = tuple(n or size for n in spec.shape[1:])
        yield f"multiply-adds  {multiply_adds(model, shape):,} at {_shape(shape)}"
    if layers:
        lines: list[str] = []
        model.summary(print_fn=lambda line, **_: lines.append(line))
        yield from lines


def _shape(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if n is None else str(n) for n in shape)
