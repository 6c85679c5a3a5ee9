"""Grouped convolutions with as many outputs a group as WebGPU computes rightly."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._onnx_insert import NodesBefore

_VECTOR = 4  # channels that a shader computes at once


def split_groups(proto: Any, weights: Mapping[str, np.ndarray]) -> None:
    """Conv of groups with 5 or more outputs each, no multiple of 4 -> of more groups, in place.

    Outputs of one group that read the same inputs can be computed in r groups, each of which reads
    a copy of these:

        y[g o + p q + k] = sum_i w[g o + p q + k, i] * x[g c + i],    o = r q, p < r, k < q

    so the channels of x are gathered r times, group by group, and the kernels stay. ONNX Runtime's
    WebGPU provider computes 4 channels at once from the inputs of the group that the first of them
    is in: 6 outputs of one input, as in BiSeNet V2, were wrong by 0.8 of their range, without an
    error (docs/atlas.md). It does so from 4 outputs a group on.

    Args:
        proto: the model.
        weights: arrays that its nodes name and that it does not hold itself.
    """
    graph = proto.graph
    shapes = {item.name: tuple(item.dims) for item in graph.initializer}
    shapes |= {name: array.shape for name, array in weights.items()}
    for node in [node for node in graph.node if node.op_type == "Conv"]:
        groups = next((a for a in node.attribute if a.name == "group"), None)
        if groups is None or groups.i == 1 or node.input[1] not in shapes:
            continue
        outputs, inputs = shapes[node.input[1]][:2]
        parts = _parts(outputs // groups.i)
        if parts == 1:
            continue
        blocks = np.arange(groups.i * inputs).reshape(groups.i, 1, inputs)
        new = NodesBefore(graph, node, f"{node.name or node.output[0]}__groups")
        channels = new.constant("channels", blocks.repeat(parts, axis=1).ravel().tolist())
        node.input[0] = new.step("Gather", "copies", node.input[0], channels, axis=1)
        groups.i *= parts
        new.insert()


def _parts(outputs: int) -> int:
    """Into how few equal parts outputs are cut, so that each has 1 to 4 or a multiple of 4."""
    allowed = (n for n in range(outputs, 0, -1) if outputs % n == 0)
    return outputs // next(n for n in allowed if n < _VECTOR or n % _VECTOR == 0)
