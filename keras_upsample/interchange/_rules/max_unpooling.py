"""Max unpooling as PyTorch writes it, and as ONNX' MaxUnpool.

PyTorch's places count in one plane, ONNX' in the whole tensor. Its exporter pools a second time by
windows of one pixel, whose first row has the place where each plane begins, and subtracts these.
Then it adds the beginnings again, and scatters the values into zeros:

    MaxPool -> values, places
    places - Slice(MaxPool of 1 pixel)[:, :, :1, :1] + beginnings -> ScatterND of zeros

It becomes an unpooling that reads the places of the pool itself (`places_of_maxima`).
"""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from .._net import OnnxNode
from .._operators.unpooling import MAX_UNPOOL
from ._here import Declined, Here

NAME = "max unpooling"


def match(here: Here) -> OnnxNode | None:
    """The Reshape that ends it, or MaxUnpool."""
    last = here.this
    if last.kind == "MaxUnpool":
        pool = here.maker(last.inputs[1], "MaxPool", shared=True)
        if pool is None or pool.outputs[1:2] != last.inputs[1:2]:
            raise Declined("its places come from no MaxPool")
        return _unpool(here, pool, last.inputs[0], _plain_size(here, last, pool))
    if last.kind != "Reshape":
        return None
    scatter = here.maker(last.inputs[0], "ScatterND")
    if scatter is None:
        return None
    values = _needed(here, scatter.inputs[2], "Reshape")
    column = _needed(here, scatter.inputs[1], "Unsqueeze", "Reshape")
    flat = here.maker(column.inputs[0], "Reshape")
    begins, planes = _with_constant(here, _needed(here, (flat or column).inputs[0], "Add"))
    difference = _needed(here, planes, "Sub")
    pool = here.maker(difference.inputs[0], "MaxPool", shared=True)
    first = here.maker(difference.inputs[1], "Slice")
    single = first and here.maker(first.inputs[0], "MaxPool")
    if pool is None or not first or not single or single.inputs != pool.inputs:
        raise Declined("places of no two MaxPools of one tensor")
    cut = [np.ravel(here.constant(first, place)).tolist() for place in (1, 2, 3)]
    if set(single.attributes["kernel_shape"]) != {1} or cut != [[0, 0], [1, 1], [2, 3]]:
        raise Declined("a second MaxPool that does not say where planes begin")
    size = here.shape(last.outputs[0])
    if size is None or len(size) != 4 or size[0] != 1:
        raise Declined(f"a result of {size}; an image is read")
    zeros = here.constant(scatter, 0)
    if zeros is None or zeros.ndim != 1 or np.any(zeros) or zeros.size != np.prod(size):
        raise Declined("values are put into something else than as many zeros")
    if scatter.attributes.get("reduction", b"none") not in (b"none", "none"):
        raise Declined("values that are added")
    beginnings = np.arange(size[1]).reshape(1, -1, 1, 1) * (size[2] * size[3])
    if not np.array_equal(begins, beginnings):
        raise Declined("places that do not begin anew in each plane")
    return _unpool(here, pool, values.inputs[0], size)


def _needed(here: Here, name: str, *kinds: str) -> OnnxNode:
    node = here.maker(name, *kinds)
    if node is None:
        raise Declined(f"no {' or '.join(kinds)} makes {name!r} for it alone")
    return node


def _with_constant(here: Here, node: OnnxNode) -> tuple[Any, str]:
    """The constant that a node reads, and the name of its other input."""
    for place in (0, 1):
        found = here.constant(node, place)
        if found is not None:
            return found, node.inputs[1 - place]
    raise Declined("an Add of two tensors that are computed")


def _plain_size(here: Here, last: OnnxNode, pool: OnnxNode) -> Sequence[int]:
    """Of what MaxUnpool gives: stated, or the smallest that pooling reduces so."""
    stated = here.constant(last, 2)
    if stated is not None:
        return tuple(int(n) for n in stated)
    pooled = here.shape(last.inputs[0])
    if pooled is None or len(pooled) != 4:
        raise Declined(f"values of {pooled}; an image is read")
    pads = last.attributes.get("pads", (0,) * 4)
    window, strides = last.attributes["kernel_shape"], last.attributes.get("strides", (1, 1))
    if any(pads) or list(window) != list(strides):
        raise Declined(f"windows {window}, strides {strides}, pads {pads}")
    return (*pooled[:2], pooled[2] * strides[0], pooled[3] * strides[1])


def _unpool(here: Here, pool: OnnxNode, values: str, size: Sequence[int]) -> OnnxNode:
    window = list(pool.attributes["kernel_shape"])
    strides = list(pool.attributes.get("strides", (1,) * len(window)))
    if len(set(window)) > 1 or strides != window or len(window) != 2:
        raise Declined(f"windows {window} at strides {strides}; squares side by side are read")
    if any(pool.attributes.get("pads", ())) or pool.attributes.get("ceil_mode", 0):
        raise Declined("a MaxPool with pads or `ceil_mode`")
    if set(pool.attributes.get("dilations", (1,))) != {1}:
        raise Declined("a MaxPool with dilations")
    if pool.attributes.get("storage_order", 0):
        raise Declined("places that count columns first")
    pooled = here.shape(pool.inputs[0])
    if pooled is None or tuple(pooled[2:]) != tuple(size[2:]):
        raise Declined(f"a result of {tuple(size)} where {pooled} was pooled")
    return replace(
        here.this,
        kind=MAX_UNPOOL,
        inputs=(values, pool.outputs[1]),
        attributes=MappingProxyType({"window": window[0], "size": tuple(size[2:])}),
    )
