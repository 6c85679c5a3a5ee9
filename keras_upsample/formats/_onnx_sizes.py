"""Image sizes before and after each resize of a traced model.

Where height and width are open, a converter can't see that a layer doubles them, and wraps it in
some twenty nodes of shape arithmetic. The graph itself says so: the size that a resize asks for is
computed from the shape of its own image, or from another tensor's, which no factor describes.
"""

from collections.abc import Sequence
from typing import Any

from ._graph_values import numbers_of, root_of

RESIZES = ("ResizeNearestNeighbor", "ResizeBilinear")
# (height, width) at which an operator's own size arithmetic is followed. They share no factor, so
# that what holds at all of them is no accident of one size.
_TRIALS = ((97, 131), (149, 64), (250, 113))

Sample = tuple[tuple[int, int], tuple[int, int]]
"""(height, width) before and after one operator, in pixels."""


def size_samples(graph: Any) -> dict[str, list[Sample]]:
    """Sizes before and after each resize and transposed convolution, by TensorFlow node name.

    At a known size there is one pair. At an open one the pairs are those of some trial sizes, if
    the graph computes the size after from the size before alone; operators that take it from
    elsewhere are left out.
    """
    sizes = {}
    for node in graph.get_operations():
        if node.type in RESIZES or node.type == "Conv2DBackpropInput":
            found = _samples_of(node)
            if found is None:
                continue
            # tf2onnx joins an operator and its bias to one node of the second's name.
            joined = [user for user in node.outputs[0].consumers() if user.type == "BiasAdd"]
            for name in (node.name, *(user.name for user in joined)):
                sizes[name] = found
    return sizes


def _samples_of(node: Any) -> list[Sample] | None:
    transposed = node.type == "Conv2DBackpropInput"
    image, wanted = node.inputs[2 if transposed else 0], node.inputs[0 if transposed else 1]
    if transposed and node.get_attr("data_format") != b"NHWC":
        return None
    before, after = tuple(image.shape[1:3]), tuple(node.outputs[0].shape[1:3])
    if None not in (*before, *after):
        return [(before, after)]
    root = id(root_of(image))
    samples: list[Sample] = []
    for trial in _TRIALS:
        rows, columns = (t if n is None else n for n, t in zip(before, trial, strict=True))
        found = numbers_of(wanted, {root: (None, rows, columns, None)})
        height, width = (found[1:3] if transposed else found) if found else (None, None)
        if height is None or width is None:
            return None
        samples.append(((rows, columns), (height, width)))
    return samples


def integer_scale(samples: list[Sample]) -> tuple[int, int] | None:
    """The factors by which every sample grows, or None."""
    scales = {
        (after[0] // before[0], after[1] // before[1])
        if after[0] % before[0] == after[1] % before[1] == 0
        else None
        for before, after in samples
    }
    return scales.pop() if len(scales) == 1 else None


def surplus_of(
    samples: list[Sample], kernel: Sequence[int], strides: list[int]
) -> tuple[int, int] | None:
    """By how much the full output, (n - 1) s + k, exceeds the real one, if always the same."""
    surplus = {
        tuple(
            (n - 1) * s + k - m for n, m, s, k in zip(before, after, strides, kernel, strict=True)
        )
        for before, after in samples
    }
    if len(surplus) != 1:
        return None
    height, width = surplus.pop()
    return height, width
