"""A rewrite: the equal forms that a rule proposes for a block."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ..program._graph import Build, Tensor


@dataclass(frozen=True)
class Form:
    """One of several equal ways to compute a block.

    Attributes:
        build: (input tensors of the block) -> its output.
        pays: whether it is faster in this block for sure, as far as a target's table prefers it; if
            not, only a measurement takes it.
    """

    build: Build
    pays: bool = True


@dataclass(frozen=True)
class Rewrite:
    """Equal forms of a block.

    Attributes:
        rule: name of the rule.
        layers: the user's layers in the block, by name.
        inputs, output: of the block.
        forms: by name, without the form that stands there.
        gain: what is expected of it, in words.
        block: the block's kind and size in words, which with the target says how long it takes.
        always: whether the first form is never slower, so that nothing need be measured.
    """

    rule: str
    layers: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    output: Tensor
    forms: Mapping[str, Form]
    gain: str
    block: str = ""
    always: bool = False

    def without(self, names: Collection[str]) -> "Rewrite":
        """The same but for some forms."""
        forms = {name: form for name, form in self.forms.items() if name not in names}
        return self if len(forms) == len(self.forms) else replace(self, forms=forms)
