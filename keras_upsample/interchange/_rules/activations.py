"""Activations written as arithmetic: GELU, SiLU, HardSwish, HardSigmoid, Mish, Sigmoid.

Exporters write them in many orders of factors. So a group of elementwise nodes that depends on one
tensor x and on numbers is evaluated at places of x, and compared with the activations there. They
differ from each other by more than 1e-4 somewhere, and a group is taken for one within 1e-6.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import erf, pi, sqrt
from types import MappingProxyType
from typing import Any

import numpy as np

from .._net import OnnxNode
from .._operators.activations import SILU
from ._here import Here

NAME = "activation"

_MOST_NODES = 10
_LAST = ("Mul", "Div", "Clip", "Add")
_X = np.linspace(-9, 9, 145)

_erf = np.vectorize(erf)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Any) -> Any:
    return np.logaddexp(x, 0)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "Add": lambda x, y: x + y,
        "Sub": lambda x, y: x - y,
        "Mul": lambda x, y: x * y,
        "Div": lambda x, y: x / y,
        "Pow": lambda x, y: x**y,
        "Erf": _erf,
        "Exp": np.exp,
        "Neg": lambda x: -x,
        "Relu": lambda x: np.maximum(x, 0),
        "Sigmoid": _sigmoid,
        "Softplus": _softplus,
        "Tanh": np.tanh,
        "HardSigmoid": lambda x, alpha=0.2, beta=0.5: np.clip(alpha * x + beta, 0, 1),
        "Clip": lambda x, low=None, high=None, **limits: np.clip(
            x, limits.get("min", low), limits.get("max", high)
        ),
    }
)
_CURVED = {"Erf", "Exp", "Sigmoid", "Softplus", "Tanh", "HardSigmoid", "Clip", "Relu"}


def _activations() -> dict[tuple[str, str], np.ndarray]:
    x = _X
    hard = np.clip(x / 6 + 0.5, 0, 1)
    return {
        ("Gelu", "none"): x * (1 + _erf(x / sqrt(2))) / 2,
        ("Gelu", "tanh"): x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2,
        (SILU, ""): x * _sigmoid(x),
        ("HardSwish", ""): x * hard,
        ("HardSigmoid", ""): hard,
        ("Mish", ""): x * np.tanh(_softplus(x)),
        ("Sigmoid", ""): _sigmoid(x),
    }


_VALUES = _activations()


def match(here: Here) -> OnnxNode | None:
    """Elementwise nodes between one tensor and the last of them, if they are an activation."""
    last = here.this
    if last.kind not in _LAST:
        return None
    group: list[OnnxNode] = []
    sources = [last.outputs[0]]
    while len(group) < _MOST_NODES:
        node = _latest(here, sources, group)
        if node is None:
            return None
        group.append(node)
        made = {each.outputs[0] for each in group}
        read = dict.fromkeys(name for each in group for name in _live(here, each))
        sources = [name for name in read if name not in made]
        if len(sources) == 1 and not _CURVED.isdisjoint(each.kind for each in group):
            found = _activation(here, group, sources[0])
            if found is not None and len(group) > 1:
                return _node(last, sources[0], *found)
    return None


def _latest(here: Here, sources: Sequence[str], group: Sequence[OnnxNode]) -> OnnxNode | None:
    """The maker of a source that only the group reads, if it is elementwise, with numbers."""
    if not group:
        return here.this if _plain(here, here.this) else None
    readers = [id(node) for node in group]
    for name in sources:
        node = here.maker(name, *_FUNCTIONS, shared=True)
        if node is None or not _plain(here, node) or here.is_output(name):
            continue
        if all(id(reader) in readers for reader in here.readers(name)):
            return node
    return None


def _plain(here: Here, node: OnnxNode) -> bool:
    """Whether all that a node reads are numbers and tensors that flow."""
    constants = (here.constant(node, place) for place in range(len(node.inputs)))
    return all(array is None or (array.size == 1 and array.ndim < 2) for array in constants)


def _live(here: Here, node: OnnxNode) -> list[str]:
    places = range(len(node.inputs))
    return [node.inputs[i] for i in places if node.inputs[i] and here.constant(node, i) is None]


def _activation(here: Here, group: Sequence[OnnxNode], source: str) -> tuple[str, str] | None:
    values: dict[str, Any] = {source: _X}
    with np.errstate(all="ignore"):
        for node in reversed(group):
            arguments = []
            for place, name in enumerate(node.inputs):
                number = here.number(node, place)
                arguments.append(values.get(name) if number is None else number)
            options = {
                key: node.attributes[key] for key in ("min", "max") if key in node.attributes
            }
            if node.kind == "HardSigmoid":
                options = dict(node.attributes)
            values[node.outputs[0]] = _FUNCTIONS[node.kind](*arguments, **options)
        y = values[group[0].outputs[0]]
        for found, expected in _VALUES.items():
            if np.abs(y - expected).max() < 1e-6:
                return found
    return None


def _node(last: OnnxNode, source: str, kind: str, approximate: str) -> OnnxNode:
    attributes: dict[str, Any] = {}
    if kind == "Gelu":
        attributes = {"approximate": approximate}
    elif kind == "HardSigmoid":
        attributes = {"alpha": 1 / 6, "beta": 0.5}
    group = last.name.rpartition("/")[0]
    name = f"{group}/{kind.rpartition('.')[2]}" if group else last.name
    return replace(
        last, kind=kind, name=name, inputs=(source,), attributes=MappingProxyType(attributes)
    )
