"""Names of layers, by the modules of PyTorch that the nodes of a file belong to."""

import re
from ast import literal_eval
from collections.abc import Container, Mapping
from typing import Any

from ._net import OnnxNode
from ._operators.attention import ATTENTION
from ._operators.convolutions import DENSE
from ._operators.normalizations import GROUP_NORMALIZATION, LAYER_NORMALIZATION

_OF_A_MODULE = {
    ATTENTION,
    DENSE,
    GROUP_NORMALIZATION,
    LAYER_NORMALIZATION,
    "BatchNormalization",
    "Conv",
    "ConvTranspose",
    "Gemm",
    "InstanceNormalization",
    "LayerNormalization",
    "MatMul",
    "PRelu",
}
"""Kinds that are all that a module does, as a rule, or the heart of it."""

_SCOPES = "pkg.torch.onnx.name_scopes"


def label_of(node: OnnxNode, constants: Container[str]) -> str:
    """What a node's layer is called, before it is made unique.

    It is the module's name in PyTorch's `state_dict` where the file says so, with underscores: that
    of a convolution, a dense layer, a normalization, an attention. A constant that is added or
    multiplied has its own name. Everything else has the module's name and the operator's.
    """
    return re.sub(r"\W+", "_", _label_of(node, constants))


def _label_of(node: OnnxNode, constants: Container[str]) -> str:
    module = module_of(node)
    if not module and not node.name.startswith("/"):
        return node.name
    if node.kind == ATTENTION:
        return f"{module}.attention"
    if node.kind in _OF_A_MODULE and module:
        return module
    for name in node.inputs:
        if name in constants and re.fullmatch(r"[A-Za-z_]\w*(\.\w+)+", name):
            return name
    operator = node.name if node.name.startswith("/") else node.kind
    return f"{module}.{re.split('[/.]', operator)[-1]}"


def module_of(node: OnnxNode) -> str:
    """The module that a node belongs to, "" where the file does not say.

    PyTorch's older exporter has it in the node's name, a part of a list with the list's name once
    more: /encoder/block1/block1.0/attn/q/MatMul. The newer one has it beside the node.
    """
    scopes = _metadata(node.proto).get(_SCOPES)
    if scopes is not None:
        try:
            modules = [str(each) for each in literal_eval(scopes)][:-1]
        except (SyntaxError, TypeError, ValueError):
            return ""
        return modules[-1] if modules else ""
    if not node.name.startswith("/"):
        return ""
    parts: list[str] = []
    for part in node.name.split("/")[1:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    return ".".join(parts)


def _metadata(proto: Any) -> Mapping[str, str]:
    return {each.key: each.value for each in getattr(proto, "metadata_props", ())}
