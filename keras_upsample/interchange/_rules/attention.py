"""Attention: softmax(s q kᵀ + b) v, however its factor is spread and its bias is added.

What `nn.MultiheadAttention`, `scaled_dot_product_attention` and hand-written modules become: a
product of queries and transposed keys; a factor on the queries, on the keys, on both by its root,
or on the scores; constants that are added to the scores, like Swin's table of relative positions
and its mask; a softmax; a product with the values. How the heads were taken apart is left to the
reader of tensors (`_value`), which follows reshapes and transposes without moving data.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from .._net import OnnxNode
from .._operators.attention import ATTENTION
from ._here import Declined, Here
from ._scales import scaled, times

NAME = "attention"


def match(here: Here) -> tuple[OnnxNode, ...] | None:
    """MatMul of queries and keys, scale, biases, Softmax, MatMul with values."""
    last = here.this
    if last.kind != "MatMul" or here.constant(last, 1) is not None:
        return None
    softmax, turned = _softmax(here, last.inputs[0]), False
    if softmax is None:
        softmax, turned = _turned_softmax(here, last.inputs[1]), True
    if softmax is None:
        return None
    shape = here.shape(softmax.outputs[0])
    axis = softmax.attributes.get("axis", -1)
    if shape is None or axis % len(shape) != len(shape) - 1:
        return None
    scores, scale, biases = _scores(here, softmax.inputs[0])
    product = here.maker(scores, "MatMul")
    if product is None:
        raise Declined("the softmax is not one of a scaled product and constants")
    if here.constant(product, 0) is not None or here.constant(product, 1) is not None:
        return None
    if here.shape(scores) != shape:
        raise Declined("the softmax is of another shape than the product")
    queries, first = scaled(here, product.inputs[0])
    keys, second, before = _keys(here, product.inputs[1], last.outputs[0])
    values, result, behind = last.inputs[0 if turned else 1], last.outputs[0], []
    rank = len(shape)
    swap = [*range(rank - 2), rank - 1, rank - 2]
    if turned:
        before.append(_transpose(values, f"{result}_values", swap))
        behind.append(_transpose(f"{result}_turned", result, swap))
        values, result = f"{result}_values", f"{result}_turned"
    before.append(_transpose(keys, f"{last.outputs[0]}_keys", swap))
    attributes: dict[str, Any] = {"scale": scale * first * second, "biases": tuple(biases[::-1])}
    whole = replace(
        last,
        kind=ATTENTION,
        inputs=(queries, before[-1].outputs[0], values),
        outputs=(result,),
        attributes=MappingProxyType(attributes),
    )
    return *before, whole, *behind


def _turned_softmax(here: Here, name: str) -> OnnxNode | None:
    """The Softmax whose weights are transposed: vᵀ pᵀ is (p v)ᵀ."""
    node = here.maker(name, "Transpose")
    if node is None:
        return None
    perm = list(node.attributes.get("perm", ()))
    swapped = [*range(len(perm) - 2), len(perm) - 1, len(perm) - 2]
    return _softmax(here, node.inputs[0]) if perm and perm == swapped else None


def _keys(here: Here, name: str, label: str) -> tuple[str, float, list[OnnxNode]]:
    """The transposed keys without the factor that they have before or behind the Transpose."""
    keys, factor = scaled(here, name)
    node = here.maker(keys, "Transpose")
    if node is None:
        return keys, factor, []
    inner, second = scaled(here, node.inputs[0])
    if inner == node.inputs[0]:
        return keys, factor, []
    turned = _transpose(inner, f"{label}_transposed", node.attributes["perm"])
    return turned.outputs[0], factor * second, [turned]


def _transpose(name: str, output: str, perm: Sequence[int]) -> OnnxNode:
    attributes = MappingProxyType({"perm": list(perm)})
    return OnnxNode("Transpose", output, (name,), (output,), attributes, None)


def _softmax(here: Here, name: str) -> OnnxNode | None:
    """The Softmax that makes the weights, behind a Dropout or none."""
    node = here.maker(name, "Softmax", "Dropout", "Identity")
    while node is not None and node.kind != "Softmax":
        node = here.maker(node.inputs[0], "Softmax", "Dropout", "Identity")
    return node


def _scores(here: Here, name: str) -> tuple[str, float, list[np.ndarray]]:
    """What the softmax' argument is made of: a tensor, its factor, constants of rank 4."""
    factor, biases = 1.0, []
    while (node := here.maker(name, "Mul", "Div", "Add", "Reshape")) is not None:
        found = times(here, node)
        if found is not None:
            name, number = found
            factor *= number
        elif node.kind == "Add":
            place = 0 if here.constant(node, 0) is not None else 1
            bias = here.constant(node, place)
            if bias is None:
                raise Declined("a tensor that flows is added to the scores")
            biases.append(np.asarray(bias * factor, "float32"))
            name = node.inputs[1 - place]
        elif node.kind == "Reshape" and _same_but_for_ones(here, node):
            name = node.inputs[0]
        else:
            break
    return name, factor, biases


def _same_but_for_ones(here: Here, node: OnnxNode) -> bool:
    """Whether a Reshape only adds or drops axes of length 1 in front, as that of Swin's mask."""
    before, after = here.shape(node.inputs[0]), here.shape(node.outputs[0])
    if before is None or after is None:
        return False
    short, long = sorted((before, after), key=len)
    return long == (1,) * (len(long) - len(short)) + short
