"""The program: what travels from Keras to a file, read once and written once.

A step takes a program and returns another one. Nothing that a step was given changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..metadata import Metadata
from ._applied import KEEP, Applied
from ._failures import as_reason
from ._graph import Graph
from ._open_sizes import check_open_sizes
from ._read import NotAGraphError, graph_of, is_functional
from ._signature import Signature, output_names_of
from ._write import model_of

_SAID_BY_MODELS = ("class_names", "preprocessing", "preset")
"""Attributes in which a model says what it is made for."""


class _Source:
    """A Keras model that is read where its graph is first asked for."""

    def __init__(self, model: Any, signature: Signature) -> None:
        self.model, self.name = model, model.name
        self._signature = signature

    @cached_property
    def graph(self) -> Graph:
        return graph_of(self.model, self._signature)

    @cached_property
    def output_names(self) -> list[str]:
        return output_names_of(self.model, self.graph.structure)


class _Changed:
    """A graph that some step made; its Keras model is written where it is asked for."""

    def __init__(
        self, source: Any, signature: Signature, name: str, graph: Graph, names: Sequence[str]
    ) -> None:
        self.name, self.graph = name, graph
        self._source, self._signature, self._names = source, signature, list(names)

    @cached_property
    def model(self) -> Any:
        inputs = [spec.name for spec in self._signature.inputs]
        model = model_of(self.graph, inputs, self.name, self._signature.structure)
        if self._names:
            model.output_names = self._names
        for attribute in _SAID_BY_MODELS:
            if hasattr(self._source, attribute):
                setattr(model, attribute, getattr(self._source, attribute))
        return model

    @property
    def output_names(self) -> list[str]:
        return self._names or output_names_of(self.model, self.graph.structure)


@dataclass(frozen=True)
class Program:
    """A model as a graph of operations, with all that a step or a file wants to know beside it.

    Attributes:
        source: the Keras model that it was made of, which is only read.
        signature: of `model`: its inputs by name, and how they are handed to it.
        metadata: what its inputs and outputs mean, as far as is known.
        notes: what steps did at which layers, and why others were left as they are.
        notice: why the whole model is left as it is; empty where it is not.
    """

    source: Any
    signature: Signature
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[Applied, ...] = ()
    notice: str = ""
    _form: "_Source | _Changed" = field(kw_only=True, repr=False)

    @property
    def name(self) -> str:
        """Of the model."""
        return str(self._form.name)

    @property
    def graph(self) -> Graph:
        """The operations between inputs and outputs; to be copied by who changes them.

        Raises:
            NotAGraphError: the source's own code can't be followed with symbolic tensors.
        """
        return self._form.graph

    @property
    def output_names(self) -> list[str]:
        """Of the outputs, flat.

        Raises:
            NotAGraphError: as for `graph`.
        """
        return self._form.output_names

    @property
    def model(self) -> Any:
        """A Keras model that computes it: the source itself where no step changed anything."""
        return self._form.model

    def at(self, signature: Signature) -> "Program":
        """The same at other sizes."""
        model = self.model
        return replace(self, source=model, signature=signature, _form=_Source(model, signature))

    def changed(
        self, graph: Graph, *, names: Sequence[str] | None = None, name: str = ""
    ) -> "Program":
        """A program of another graph.

        A functional model takes no keyword arguments: inputs that were such become a list.

        Args:
            graph: of the same inputs; made from a copy of `graph`.
            names: of its outputs; None for the present ones, empty for those that Keras gives.
            name: of its model; default the present one.
        """
        names = self.output_names if names is None else names
        signature = self.signature
        if signature.keywords:
            inputs = [spec.name for spec in signature.inputs]
            signature = replace(signature, structure=inputs, keywords=False)
        form = _Changed(self.source, signature, name or self.name, graph, names)
        return replace(self, signature=signature, _form=form)

    def with_notes(self, *notes: Applied) -> "Program":
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def attempt(self, rule: str, step: "Callable[[Program], Program]") -> "Program":
        """What a step makes of it; the program itself, with a note, where the step fails.

        Args:
            rule: the step's name in notes.
            step: takes this program.
        """
        try:
            return step(self)
        except Exception as error:
            reason = str(error) if isinstance(error, NotAGraphError) else as_reason(error)
            return self.with_notes(Applied(rule, (self.name,), KEEP, reason))

    def check_open_sizes(self) -> None:
        """Raise unless a model of the user's own code can be called with its sizes open.

        Raises:
            NotAGraphError: what was made of it can't.
        """
        if not is_functional(self.source):
            check_open_sizes(self.model, self.signature)


def program_of(model: Any, signature: Signature, metadata: Metadata | None = None) -> Program:
    """The program of a Keras model, which is read where its graph is first asked for.

    Args:
        model: any Keras model, built; it is only read.
        signature: of it, narrower than its own, if that helps.
        metadata: what it means, as far as is known.
    """
    return Program(model, signature, metadata or Metadata(), _form=_Source(model, signature))
