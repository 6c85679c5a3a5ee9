"""Outputs that end with a sigmoid, compared in front of it too.

On noise, a segmenter may find nothing: its probabilities are then all near 0, and their range is
that of rounding. In front of the sigmoid the range is that of the net.
"""

from dataclasses import replace
from typing import Any

from ._net import OnnxNet


def squashed(net: OnnxNet) -> dict[str, str]:
    """Output -> what the sigmoid reads that makes it."""
    makers = {name: node for node in net.nodes for name in node.outputs}
    kinds = {name: makers[name].kind for name in net.outputs if name in makers}
    return {name: makers[name].inputs[0] for name in net.outputs if kinds.get(name) == "Sigmoid"}


def before_sigmoid(model: Any, net: OnnxNet) -> tuple[Any, OnnxNet] | None:
    """The model and the file without the sigmoids at their ends; None if they have none."""
    import keras
    import onnx

    found = squashed(net)
    if not found or net.proto is None:
        return None
    outputs = []
    for label, tensor in zip(net.outputs, model.outputs, strict=True):
        last = next((layer for layer in model.layers if layer.output is tensor), None)
        if label in found and getattr(last, "activation", None) is not keras.activations.sigmoid:
            return None
        outputs.append(last.input if label in found and last is not None else tensor)
    names = [found.get(label, label) for label in net.outputs]
    proto = onnx.ModelProto()
    proto.CopyFrom(net.proto)
    del proto.graph.output[:]
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    proto = onnx.shape_inference.infer_shapes(proto)
    return keras.Model(model.inputs, outputs), replace(net, outputs=names, proto=proto)
