"""A model as a graph of operations, which rules take apart and put together again."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Tensor:
    """A value that flows through the graph.

    Attributes:
        spec: its shape and dtype, as a `KerasTensor` without history.
        node: what computes it; None for an input of the graph.
    """

    spec: Any
    node: "Node | None" = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        return tuple(self.spec.shape)


@dataclass(eq=False)
class Node:
    """One call of an operation.

    Attributes:
        operation: a Keras layer or operation that belongs to no model (see `_twin`).
        args, kwargs: of the call, with `Tensor` for tensors.
        outputs: what it returned, flat.
        source: the layers of the user's model that it stands for, by name.
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: list[Tensor] = field(default_factory=list)
    source: tuple[str, ...] = ()

    @property
    def inputs(self) -> list[Tensor]:
        from keras import tree

        leaves = tree.flatten((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, Tensor)]

    def arguments_from(self, values: Mapping[int, Any]) -> tuple[Any, Any]:
        """`args` and `kwargs` with what stands for their tensors, by the tensors' ids."""
        from keras import tree

        def value(leaf: Any) -> Any:
            return values[id(leaf)] if isinstance(leaf, Tensor) else leaf

        args, kwargs = tree.map_structure(value, (self.args, self.kwargs))
        return args, kwargs

    @property
    def name(self) -> str:
        return self.operation.name

    @property
    def infers(self) -> bool:
        """Whether the call is one of inference: no layer was asked to behave as in training."""
        if has_one_behaviour(self.operation):
            return True
        # `is`, for arguments may be arrays, and 1 == True
        return self.kwargs.get("training") is not True and not any(
            value is True for value in self.args[1:]
        )


def has_one_behaviour(operation: Any) -> bool:
    """Whether a layer that takes `training` pays no attention to it."""
    import keras

    return type(operation) is keras.layers.Resizing  # every call of it records training=True


def apply(
    operation: Any, *args: Any, source: Sequence[str] = (), **kwargs: Any
) -> tuple[Node, Any]:
    """A node, and its outputs in the structure in which the operation returns them."""
    from keras import tree

    def specs(leaf: Any) -> Any:
        return leaf.spec if isinstance(leaf, Tensor) else leaf

    node = Node(operation, args, kwargs, source=tuple(source))
    spec_args, spec_kwargs = tree.map_structure(specs, (args, kwargs))
    results = operation.compute_output_spec(*spec_args, **spec_kwargs)
    outputs = tree.map_structure(lambda spec: Tensor(spec, node), results)
    node.outputs = tree.flatten(outputs)
    return node, outputs


@dataclass(eq=False)
class Graph:
    """What lies between inputs and outputs.

    Attributes:
        inputs: flat.
        outputs: flat; rules replace them in place.
        structure: in which the model returns its outputs, whatever the leaves are; None for a list.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    structure: Any = None

    def copy(self) -> "Graph":
        """The same in nodes and tensors of its own; operations are shared."""
        tensors = {id(tensor): Tensor(tensor.spec) for tensor in self.inputs}
        for node in self.nodes():
            args, kwargs = node.arguments_from(tensors)
            other = Node(node.operation, args, kwargs, source=node.source)
            other.outputs = [Tensor(tensor.spec, other) for tensor in node.outputs]
            pairs = zip(node.outputs, other.outputs, strict=True)
            tensors |= {id(tensor): copy for tensor, copy in pairs}
        inputs, outputs = (
            [tensors[id(tensor)] for tensor in each] for each in (self.inputs, self.outputs)
        )
        return Graph(inputs, outputs, self.structure)

    def nodes(self) -> list[Node]:
        """Every node that an output needs, each behind those that it reads."""
        order: list[Node] = []
        state: dict[int, bool] = {}  # id -> whether all that it reads is in the order
        stack = [tensor.node for tensor in reversed(self.outputs) if tensor.node is not None]
        while stack:
            node = stack[-1]
            if state.get(id(node)):
                stack.pop()
                continue
            if id(node) in state:  # seen once: all that it reads has been ordered meanwhile
                state[id(node)] = True
                order.append(node)
                stack.pop()
                continue
            state[id(node)] = False
            stack.extend(
                tensor.node
                for tensor in reversed(node.inputs)
                if tensor.node is not None and id(tensor.node) not in state
            )
        return order

    def readers(self) -> dict[int, int]:
        """id of a tensor -> how often nodes or the graph's outputs read it."""
        counts: dict[int, int] = defaultdict(int)
        for tensor in (t for node in self.nodes() for t in node.inputs):
            counts[id(tensor)] += 1
        for tensor in self.outputs:
            counts[id(tensor)] += 1
        return counts

    def calls(self) -> dict[int, int]:
        """id of an operation -> how often it is called; above 1 its weights are shared."""
        counts: dict[int, int] = defaultdict(int)
        for node in self.nodes():
            counts[id(node.operation)] += 1
        return counts

    def replace(self, old: Tensor, new: Tensor) -> None:
        """Let everything that read `old` read `new`."""
        from keras import tree

        def swap(leaf: Any) -> Any:
            return new if leaf is old else leaf

        for node in self.nodes():
            if any(tensor is old for tensor in node.inputs):
                node.args, node.kwargs = tree.map_structure(swap, (node.args, node.kwargs))
        self.outputs = [swap(tensor) for tensor in self.outputs]

    def between(self, inputs: Sequence[Tensor], output: Tensor) -> Iterator[Node]:
        """The nodes that compute `output` from `inputs`, in order."""
        stop = {id(tensor) for tensor in inputs}
        part = Graph(list(inputs), [output])
        needed: set[int] = set()
        stack = [output]
        while stack:
            tensor = stack.pop()
            if id(tensor) in stop or tensor.node is None or id(tensor.node) in needed:
                continue
            needed.add(id(tensor.node))
            stack.extend(tensor.node.inputs)
        return (node for node in part.nodes() if id(node) in needed)


Build = Callable[..., Tensor]
"""(input tensors of a block) -> its output."""
