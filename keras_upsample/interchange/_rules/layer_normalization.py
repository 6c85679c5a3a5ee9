"""LayerNorm written out: y = (x - m) / sqrt(v + eps) * gamma + beta, over one axis.

PyTorch's exporters write it so below opset 17; modules that normalise the channels of an image do
in every opset. m = mean(x), v = mean((x - m)^2), along the last axis or the channels; the square
is a Pow or a Mul; the root is divided by, or its reciprocal multiplied.
"""

from dataclasses import replace
from types import MappingProxyType

from .._net import OnnxNode
from .._operators.normalizations import LAYER_NORMALIZATION
from ._affine import affine, is_number, of_channels
from ._here import Declined, Here

NAME = "LayerNorm"


def match(here: Here) -> OnnxNode | None:
    """ReduceMean, Sub, Pow, ReduceMean, Add, Sqrt, Div, and Mul and Add with constants."""
    last = here.this
    if last.kind not in ("Add", "Mul", "Div"):
        return None
    found = affine(here, "Div", "Mul")
    normalised = None if found is None else _normalised(here, found.of)
    if found is None or normalised is None:
        return None
    name, axis, epsilon = normalised
    shape = here.shape(name)
    if shape is None:
        raise Declined("the shape of its input is not known")
    axis %= len(shape)
    for constant in (found.scale, found.shift):
        if not of_channels(here, constant, len(shape), axis, shape[axis]):
            return None  # the Mul or Add of something else
    return replace(
        last,
        kind=LAYER_NORMALIZATION,
        inputs=(name, found.scale, found.shift),
        attributes=MappingProxyType({"axis": axis, "epsilon": epsilon}),
    )


def _normalised(here: Here, node: OnnxNode) -> tuple[str, int, float] | None:
    """x, the axis and epsilon of (x - m) / sqrt(v + epsilon)."""
    for place in (0, 1) if node.kind == "Mul" else (0,):
        centred = _centred(here, node.inputs[place])
        other = node.inputs[1 - place]
        root = other if node.kind == "Div" else _inverse(here, other)
        if centred is None or root is None:
            continue
        name, axis = centred
        variance = _root(here, root)
        if variance is None:
            continue
        squared, epsilon = variance
        mean = _mean(here, squared)
        if mean is None or mean[1] != axis or _square(here, mean[0]) != centred:
            continue
        return name, axis, epsilon
    return None


def _centred(here: Here, name: str) -> tuple[str, int] | None:
    """x and the axis of x - mean(x)."""
    node = here.maker(name, "Sub", shared=True)
    mean = node and _mean(here, node.inputs[1])
    return mean if node and mean and mean[0] == node.inputs[0] else None


def _mean(here: Here, name: str) -> tuple[str, int] | None:
    """What is averaged along one axis, and the axis."""
    node = here.maker(name, "ReduceMean", shared=True)
    axes = None if node is None else here.axes(node)
    if node is None or axes is None or len(axes) != 1 or not node.attributes.get("keepdims", 1):
        return None
    shape = here.shape(node.inputs[0])
    return node.inputs[0], axes[0] if shape is None else axes[0] % len(shape)


def _square(here: Here, name: str) -> tuple[str, int] | None:
    """x and the axis of (x - mean(x))^2."""
    node = here.maker(name, "Pow", "Mul", shared=True)
    if node is None:
        return None
    if node.kind == "Pow":
        return _centred(here, node.inputs[0]) if here.number(node, 1) == 2 else None
    first, second = (_centred(here, each) for each in node.inputs)
    return first if first == second else None


def _root(here: Here, name: str) -> tuple[str, float] | None:
    """v and epsilon of sqrt(v + epsilon)."""
    node = here.maker(name, "Sqrt", shared=True)
    total = node and here.maker(node.inputs[0], "Add", shared=True)
    if not total:
        return None
    for place in (0, 1):
        epsilon = here.number(total, place)
        if epsilon is not None:
            return total.inputs[1 - place], epsilon
    return None


def _inverse(here: Here, name: str) -> str | None:
    """What a tensor is the reciprocal of."""
    node = here.maker(name, "Reciprocal", "Div", shared=True)
    if node is None or (node.kind == "Div" and not is_number(here.constant(node, 0), 1)):
        return None
    return node.inputs[-1]
