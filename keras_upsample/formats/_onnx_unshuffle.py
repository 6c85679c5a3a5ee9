"""Pixel unshuffles without ONNX' SpaceToDepth."""

from typing import Any

from ._onnx_insert import NodesBefore

_TO_THE_END = 2**63 - 1


def unshuffle_by_slices(proto: Any) -> None:
    """SpaceToDepth of blocks of s x s pixels -> slices and concatenations, in place.

    y[n, (a s + b) C + c, i, j] = x[n, c, s i + a, s j + b]: first every s-th column goes into
    channels of its own, then every s-th row. ONNX Runtime's WebGPU provider has no SpaceToDepth and
    takes the image to the processor and back for it. (Of s² slices by rows and columns at once ONNX
    Runtime would make a SpaceToDepth again.)
    """
    graph = proto.graph
    for node in [node for node in graph.node if node.op_type == "SpaceToDepth"]:
        size = next(a.i for a in node.attribute if a.name == "blocksize")
        name = f"{node.name or node.output[0]}__unshuffle"
        new = NodesBefore(graph, node, name)
        starts = [new.constant(f"from_{a}", [a]) for a in range(size)]
        end, step = new.constant("end", [_TO_THE_END]), new.constant("step", [size])
        image = node.input[0]
        for axis, output in ((3, ""), (2, node.output[0])):
            place = new.constant(f"axis_{axis}", [axis])
            parts = [
                new.step("Slice", f"{axis}_{a}", image, start, end, place, step)
                for a, start in enumerate(starts)
            ]
            image = new.step("Concat", f"{axis}", *parts, output=output, axis=1)
        new.insert()
        graph.node.remove(node)
