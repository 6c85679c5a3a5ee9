"""TFLite files with open height and width."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ExportError
from ..program._input_shape import InputSpec, Shape, fix_sizes, pixel_axes
from ..program._signature import Signature
from ..targets import Target, resizable

if TYPE_CHECKING:
    from ..runtimes import Runner
    from ._reference import Reference

_WITHOUT = "Without `resizable` its sizes are constants: one file for each size."


def resizable_targets(targets: Sequence[Target]) -> list[Target]:
    """Replace TFLite targets by their resizable variants; keep the others.

    Raises:
        ValueError: a target is for a device, or none is TFLite.
    """
    if not any(target.format == "tflite" for target in targets):
        resizable(targets[0])  # which says what it is for
    return [resizable(t) if t.format == "tflite" else t for t in targets]


def open_sizes(model: Any, signature: Signature) -> Signature:
    """Open the heights and widths of images that the model leaves open.

    The sizes in the signature become the initial sizes, before the user resizes the inputs.

    Args:
        model: a built model.
        signature: signature of the model with the sizes that the user fixed.

    Raises:
        ValueError: no image input of the model has an open height or width.
    """
    # A model without a graph takes any size, as far as anybody knows.
    own: list[Shape] = [tuple(t.shape) for t in getattr(model, "inputs", None) or ()]
    own = own or [(None,) * len(spec.shape) for spec in signature.inputs]
    pairs = zip(signature.inputs, own, strict=True)
    inputs = tuple(_open(spec, shape) for spec, shape in pairs)
    if not any(None in spec.shape[1:] for spec in inputs if len(spec.shape) == 4):
        shapes = ", ".join(f"{s.name!r} {s.shape[1:]}" for s in signature.inputs)
        raise ValueError(
            "`resizable` needs a model that takes images (H, W, C) of an open height or width. "
            f"Received the inputs {shapes}. Build the model with None for them, e.g. "
            "keras.Input((None, None, 3))."
        )
    return replace(signature, inputs=inputs)


def _open(spec: InputSpec, own: Shape) -> InputSpec:
    if len(spec.shape) != 4:
        return spec
    shape = list(spec.shape)
    for axis in pixel_axes(spec):
        shape[axis] = own[axis]
    return replace(spec, shape=tuple(shape), usual=(None, *fix_sizes(spec, 1).shape[1:]))


def signature_for(
    target: Target, opened: Signature, plain: Signature, batch_size: int
) -> Signature:
    """The signature for one target: open sizes for a resizable one, those of `plain` for others."""
    shapes = {spec.name: spec.shape for spec in plain.inputs}
    if target.resizable:
        shapes = {
            spec.name: (spec.shape[0] or batch_size, *spec.shape[1:])
            if spec.usual
            else fix_sizes(spec, batch_size).shape
            for spec in opened.inputs
        }
    inputs = tuple(replace(spec, shape=shapes[spec.name]) for spec in opened.inputs)
    return replace(opened, inputs=inputs)


@contextmanager
def explain_errors(target: Target) -> Iterator[None]:
    """Context manager that adds to an error in a resizable file how to do without `resizable`."""
    try:
        yield
    except ExportError as error:
        if not target.resizable:
            raise
        why = str(error).partition(" With allow_flex=True")[0]  # which does not go with it
        raise type(error)(f"{why} {_WITHOUT}") from error


def require_another_size(reference: "Reference", runner: "Runner", *, real: bool) -> None:
    """Raise unless a resizable file was compared at two sizes or more.

    Raises:
        ExportError: the model itself accepts none of the other sizes that were tried.
    """
    found = {
        tuple(np.shape(values)[1:] for values in item.feeds.values())
        for item in reference.cases_for(runner, real=real)
    }
    if len(found) < 2:
        sizes = ", ".join("x".join(map(str, shape)) for shape in next(iter(found)))
        raise ExportError(
            f"The model itself takes none of the other sizes at which a resizable file is verified "
            f"beside {sizes}, so nothing shows that it can be resized. Pass an `input_shape` whose "
            f"double it takes."
        )
