"""Pixel unshuffles without ONNX' SpaceToDepth."""

from typing import Any

import numpy as np


def unshuffle_by_slices(proto: Any) -> None:
    """SpaceToDepth of blocks of s x s pixels -> slices and concatenations, in place.

    y[n, (a s + b) C + c, i, j] = x[n, c, s i + a, s j + b]: first every s-th column goes into
    channels of its own, then every s-th row. ONNX Runtime's WebGPU provider has no SpaceToDepth and
    takes the image to the processor and back for it. (Of s² slices by rows and columns at once ONNX
    Runtime would make a SpaceToDepth again.)
    """
    from onnx import helper, numpy_helper

    graph = proto.graph
    for node in [node for node in graph.node if node.op_type == "SpaceToDepth"]:
        size = next(a.i for a in node.attribute if a.name == "blocksize")
        name = f"{node.name or node.output[0]}__unshuffle"
        made: list[Any] = []

        def constant(label: str, value: int, name: str = name) -> str:
            array = np.array([value], np.int64)
            graph.initializer.append(numpy_helper.from_array(array, f"{name}_{label}"))
            return f"{name}_{label}"

        starts = [constant(f"from_{a}", a) for a in range(size)]
        end, step = constant("end", np.iinfo(np.int64).max), constant("step", size)
        image = node.input[0]
        for axis, output in ((3, f"{name}_columns"), (2, node.output[0])):
            parts = [f"{name}_{axis}_{a}" for a in range(size)]
            place = constant(f"axis_{axis}", axis)
            for start, part in zip(starts, parts, strict=True):
                inputs = [image, start, end, place, step]
                made.append(helper.make_node("Slice", inputs, [part], part))
            made.append(helper.make_node("Concat", parts, [output], f"{name}_{axis}", axis=1))
            image = output
        place_of_node = list(graph.node).index(node)
        graph.node.remove(node)
        for offset, each in enumerate(made):
            graph.node.insert(place_of_node + offset, each)
