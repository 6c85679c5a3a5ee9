"""Finds the features of a network at every stride, by the sizes of the tensors in its graph."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import tree

from keras_upsample.program._graph import Graph, Node, Tensor

STRIDES = (1, 2, 4, 8, 16, 32)
Size = tuple[int, int]
SIZES: tuple[Size, ...] = ((192, 320), (256, 224))
"""Sizes at which a network is tried; at one of them, a size may be a multiple by chance."""

Operations = Mapping[int, Any]
"""id of an operation of a graph -> the layer that stands in for it."""


@dataclasses.dataclass(frozen=True)
class Features:
    """Features of a network.

    Attributes:
        nodes: stride -> the call that computes them.
        levels: id of a tensor -> its stride, for every map whose size is that of the image by it.
        sized: ids of the tensors that are known at every size at which the network was tried.
    """

    nodes: Mapping[int, Node]
    levels: Mapping[int, int]
    sized: frozenset[int]


def find_features(
    graph: Graph, start: Tensor, sizes: Sequence[Size] = SIZES, standing: Operations | None = None
) -> Features:
    """The last tensor at each stride through which everything deeper passes.

    A tensor has the stride s if it has the height and width of the image by s at every one of
    `sizes`. From the deepest on, the feature at s is the last tensor on every path from the image
    to the feature at the next larger stride. If there is no such tensor (cells that read the two
    cells before them) it is the deepest one that joins several, and else the deepest one.

    Several outputs of the network go before that: each is the feature at its stride.

    Args:
        graph: of the network.
        start: the image behind what prepares it.
        sizes: heights and widths, multiples of 32.
        standing: layers that stand in for others.
    """
    specs = [specs_at(graph, size, standing or {}) for size in sizes]
    sized = frozenset.intersection(*(frozenset(each) for each in specs))
    levels = {}
    for each in sized:
        strides = {_stride(found[each], size) for found, size in zip(specs, sizes, strict=True)}
        stride = strides.pop()
        if stride is not None and not strides:
            levels[each] = stride
    chosen: dict[int, Node] = {}
    if len(graph.outputs) > 1:
        for tensor in graph.outputs:
            if tensor.node is not None and id(tensor) in levels:
                chosen[levels[id(tensor)]] = tensor.node
    order = graph.nodes()
    depth: dict[int, int] = {}  # calls on the longest way from the image
    for node in order:
        depth[id(node)] = 1 + max((depth[id(x.node)] for x in node.inputs if x.node), default=0)
    channels = start.shape[-1]
    target: Node | None = None
    for stride in reversed(STRIDES):
        if stride not in chosen:
            here = [n for n in order if levels.get(id(n.outputs[0])) == stride]
            if target is not None:
                path = path_between(order, start, target)
                ids = {id(node) for node in here}
                here = [node for node in path if id(node) in ids]
                narrow = [node for node in _passed_by_all(path, start) if id(node) in ids]
                joins = [node for node in here if len(node.inputs) > 1]
                here = narrow or joins or here
            else:
                ids = {id(node) for node in path_between(order, start, *_ends(graph))}
                here = [node for node in here if id(node) in ids]
            if stride == 1:  # what only scales the image is no feature
                here = [n for n in here if n.outputs[0].shape[-1] != channels]
            if here:  # the last of several that are as deep
                chosen[stride] = max(reversed(here), key=lambda node: depth[id(node)])
        target = chosen.get(stride, target)
    return Features(dict(sorted(chosen.items())), levels, sized)


def specs_at(graph: Graph, size: Size, standing: Operations) -> dict[int, Any]:
    """id of a tensor -> its shape and dtype for an image of this size.

    Tensors are left out that can't be computed there.
    """
    (image,) = graph.inputs
    shape = (1, *size, image.shape[-1])
    found: dict[int, Any] = {id(image): keras.KerasTensor(shape, dtype=image.spec.dtype)}
    for node in graph.nodes():
        operation = standing.get(id(node.operation), node.operation)
        try:
            args, kwargs = node.arguments_from(found)
            results = operation.compute_output_spec(*args, **kwargs)
        except Exception:  # layers of others run here; they refuse sizes in their own ways
            continue
        pairs = zip(node.outputs, tree.flatten(results), strict=True)
        found |= {id(tensor): spec for tensor, spec in pairs}
    return found


def _stride(spec: Any, size: Size) -> int | None:
    """The stride of a map at this size of the image; None for anything else."""
    shape = spec.shape
    if len(shape) != 4 or not all(shape[1:3]):
        return None
    strides = {total / n for total, n in zip(size, shape[1:3], strict=True)}
    stride = strides.pop()
    return int(stride) if not strides and stride in STRIDES else None


def _ends(graph: Graph) -> list[Node]:
    return [tensor.node for tensor in graph.outputs if tensor.node is not None]


def path_between(order: Sequence[Node], start: Tensor, *targets: Node) -> list[Node]:
    """The nodes, in `order`, that lie on a path from `start` to a target."""
    needed = {id(node) for node in targets}
    for node in reversed(order):
        if id(node) in needed:
            needed |= {id(x.node) for x in node.inputs if x.node is not None}
    reached = {id(start)}
    found = []
    for node in order:
        if id(node) in needed and any(id(x) in reached for x in node.inputs):
            reached |= {id(x) for x in node.outputs}
            found.append(node)
    return found


def _passed_by_all(path: Sequence[Node], start: Tensor) -> list[Node]:
    """The nodes of a path that no other way leads around: nothing before them is read later."""
    place = {id(node): i for i, node in enumerate(path)}
    last_read: dict[int, int] = {}  # node -> where its result is read last
    for i, node in enumerate(path):
        for tensor in node.inputs:
            if tensor is start or id(tensor.node) in place:
                last_read[-1 if tensor is start else id(tensor.node)] = i
    found, reach = [], last_read.get(-1, 0)
    for i, node in enumerate(path):
        if reach <= i:
            found.append(node)
        reach = max(reach, last_read.get(id(node), i))
    return found
