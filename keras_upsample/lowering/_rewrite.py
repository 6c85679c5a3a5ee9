"""What a rule proposes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ..program._graph import Build, Tensor


@dataclass(frozen=True)
class Rewrite:
    """Equal forms of a block.

    Attributes:
        rule: name of the rule.
        layers: the user's layers in the block, by name.
        inputs, output: of the block.
        forms: name -> build; does not contain the form that stands there.
        gain: what is expected of it, in words.
        block: the block's kind and size in words, which with the target says how long it takes.
        always: whether the first form is never slower, so that nothing need be measured.
        unsure: forms that may be slower in this block: a measurement takes them, no table does.
    """

    rule: str
    layers: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    output: Tensor
    forms: Mapping[str, Build]
    gain: str
    block: str = ""
    always: bool = False
    unsure: frozenset[str] = frozenset()

    def without(self, names: Collection[str]) -> "Rewrite":
        """The same but for some forms."""
        forms = {name: form for name, form in self.forms.items() if name not in names}
        return self if len(forms) == len(self.forms) else replace(self, forms=forms)
