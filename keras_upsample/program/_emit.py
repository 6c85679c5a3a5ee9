"""The emitter: it writes the new nodes of one rewrite."""

from collections.abc import Sequence
from typing import Any

from ._graph import Tensor, apply
from ._keras_table import TABLE
from ._operations import OfOne, OfSeveral


class Emitter:
    """Writes the nodes of one rewrite.

    Args:
        like: the layer that is replaced; gives the name and the dtype policy.
        source: the names of the user's layers that the new nodes stand for.
    """

    def __init__(self, like: Any, source: Sequence[str]) -> None:
        self.name = like.name
        self.source = tuple(source)
        self.policy = _storing_float32(getattr(like, "dtype_policy", None))

    def write(self, operation: OfOne | OfSeveral, suffix: str = "", *, name: str = "") -> Tensor:
        """The result of an operation: of the layer that the table has for it.

        Args:
            operation: one that changes nothing needs no layer.
            suffix: of the layer's name, behind that of the layer that is replaced.
            name: of the layer, in place of both.
        """
        if operation.changes_nothing:
            return operation.x if isinstance(operation, OfOne) else operation.parts[0]
        return TABLE[type(operation)].write(self, operation, name or f"{self.name}{suffix}")

    def call(self, layer: Any, *tensors: Any) -> Tensor:
        """A node of a layer that takes one tensor, or a list of them."""
        argument = tensors[0] if len(tensors) == 1 else list(tensors)
        if not getattr(layer, "built", True):
            shapes = [tensor.shape for tensor in tensors]
            layer.build(shapes[0] if len(tensors) == 1 else shapes)
        _, output = apply(layer, argument, source=self.source)
        return output


def _storing_float32(policy: Any) -> Any:
    """The policy, with weights in float32: a product of two half-precision weights is none."""
    import keras

    name = getattr(policy, "name", None)
    return keras.DTypePolicy(f"mixed_{name}") if name in ("float16", "bfloat16") else policy
