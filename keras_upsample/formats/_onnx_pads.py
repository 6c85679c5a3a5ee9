"""Explicit pads in place of ONNX' `auto_pad`."""

from typing import Any


def explicit_pads(graph: Any) -> None:
    """`auto_pad` of a convolution at stride 1 -> `pads`, in place.

    At stride 1 the pads do not depend on the image: (k - 1) d rows in all, the odd one at the end.
    ONNX Runtime has no automatic padding of dilated convolutions.
    """
    from onnx import helper

    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        kernel = attributes.get("kernel_shape")
        if node.op_type != "Conv" or attributes.get("auto_pad") != b"SAME_UPPER" or not kernel:
            continue
        ones = [1] * len(kernel)
        if list(attributes.get("strides", ones)) != ones:
            continue
        rates = attributes.get("dilations", ones)
        reaches = [(size - 1) * rate for size, rate in zip(kernel, rates, strict=True)]
        pads = [reach // 2 for reach in reaches] + [reach - reach // 2 for reach in reaches]
        kept = [a for a in node.attribute if a.name not in ("auto_pad", "pads")]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("pads", pads)])
