"""Pattern matching on a graph; a pattern that does not match gives its reason."""

from collections.abc import Mapping
from typing import Any, TypeVar, overload

from ..program._emit import Emitter
from ..program._graph import Build, Node, Tensor
from ..program._keras_table import TABLE
from ..program._operations import Operation
from ..program._surroundings import Surroundings, sources
from ._rewrite import Block, Form, Rewrite

_A = TypeVar("_A", bound=Operation)
_B = TypeVar("_B", bound=Operation)
_C = TypeVar("_C", bound=Operation)


class NoMatch(Exception):
    """A pattern does not match; the message says why, without a full stop."""


class OtherKind(NoMatch):
    """The last node of the pattern is another operation; this is not reported."""


def require(condition: bool, reason: str) -> None:
    """Raise unless a condition of the pattern holds.

    Raises:
        NoMatch: it does not.
    """
    if not condition:
        raise NoMatch(reason)


class Here:
    """Matches a rule's pattern backwards from one node of a graph.

    Args:
        node: the last node of the pattern.
        around: the graph.
        rule: name of the rule.

    Attributes:
        matched: the nodes of the pattern, in the order of the model.
        looked_at: the nodes that were examined, matched or not.
    """

    def __init__(self, node: Node, around: Surroundings, rule: str) -> None:
        self.node, self.around, self.rule = node, around, rule
        self.matched: list[Node] = [node]
        self.looked_at: list[Node] = [node]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the user's layers in the pattern."""
        return sources(*self.matched)

    @overload
    def this(self, a: type[_A], /) -> _A: ...
    @overload
    def this(self, a: type[_A], b: type[_B], /) -> _A | _B: ...
    @overload
    def this(self, a: type[_A], b: type[_B], c: type[_C], /) -> _A | _B | _C: ...
    def this(self, *kinds: Any) -> Any:
        """What the node computes, its weights being its own.

        Raises:
            OtherKind: it is none of these kinds.
            NoMatch: its layer is called elsewhere too.
        """
        found = _view(self.node, kinds)
        if found is None:
            raise OtherKind(_is_no(self.node, kinds))
        weights = getattr(self.node.operation, "weights", ())
        own = not weights or not self.around.shared(self.node)
        require(own, f"layer {self.node.name!r} is shared")
        return found

    def maker(self, tensor: Tensor) -> Node:
        """The node that makes a tensor for the pattern alone.

        Raises:
            NoMatch: something else reads the tensor too, the node's layer is shared, or it is one
                that trains.
        """
        node = tensor.node
        if node is None:
            raise NoMatch(f"{self.matched[0].name!r} reads an input of the model")
        self.looked_at.append(node)
        require(self.around.read_once(tensor), f"more than one reads what {node.name!r} makes")
        require(not self.around.shared(node), f"layer {node.name!r} is shared")
        require(node.infers, f"layer {node.name!r} is asked to behave as in training")
        return node

    @overload
    def behind(self, tensor: Tensor, a: type[_A], /) -> _A: ...
    @overload
    def behind(self, tensor: Tensor, a: type[_A], b: type[_B], /) -> _A | _B: ...
    @overload
    def behind(self, tensor: Tensor, a: type[_A], b: type[_B], c: type[_C], /) -> _A | _B | _C: ...
    def behind(self, tensor: Tensor, *kinds: Any) -> Any:
        """The operation that makes a tensor for the pattern alone; its node joins the pattern.

        Raises:
            NoMatch: it is none of these kinds, or `maker` says why.
        """
        node = self.maker(tensor)
        found = _view(node, kinds)
        require(found is not None, _is_no(node, kinds))
        self.matched.insert(0, node)
        return found

    @overload
    def peek(self, tensor: Tensor, a: type[_A], /) -> _A | None: ...
    @overload
    def peek(self, tensor: Tensor, a: type[_A], b: type[_B], /) -> _A | _B | None: ...
    def peek(self, tensor: Tensor, *kinds: Any) -> Any:
        """What `behind` would find, None where it would find nothing; no node joins the pattern."""
        try:
            return _view(self.maker(tensor), kinds)
        except NoMatch:
            return None

    def emitter(self, like: Node | None = None) -> Emitter:
        """Writes layers in place of the pattern, by default named after its last node."""
        return Emitter((like or self.node).operation, self.names)

    def rewrite(
        self,
        inputs: tuple[Tensor, ...],
        forms: Mapping[str, Build | Form],
        gain: str,
        *,
        block: Block | None = None,
        always: bool = False,
    ) -> Rewrite:
        """Equal forms of the pattern, see `Rewrite`; a build alone is a `Form` that pays."""
        output = self.node.outputs[0]
        named = {
            name: form if isinstance(form, Form) else Form(form) for name, form in forms.items()
        }
        return Rewrite(self.rule, self.names, inputs, output, named, gain, block or Block(), always)


def _view(node: Node, kinds: tuple[type[Operation], ...]) -> Any:
    for kind in kinds:
        found = TABLE[kind].read(node)
        if found is not None:
            return found
    return None


def _is_no(node: Node, kinds: tuple[type[Operation], ...]) -> str:
    wanted = " or ".join(kind.KIND for kind in kinds)
    return f"{type(node.operation).__name__} {node.name!r} is no {wanted}"
