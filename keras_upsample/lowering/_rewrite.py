"""A rewrite: the equal forms that a rule proposes for a block."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ..program._graph import Build, Tensor


@dataclass(frozen=True)
class Form:
    """One of several equal ways to compute a block.

    Attributes:
        build: input tensors of the block -> its output.
        pays: whether the form is surely faster in this block if the target's table prefers it. If
            not, only a measurement can choose it.
    """

    build: Build
    pays: bool = True


@dataclass(frozen=True)
class Block:
    """What the time of a block depends on.

    Attributes:
        kind: operators, kernels, strides and factors, in words, with `{}` for each size.
        sizes: channels, filters, height and width. Blocks of one kind take times that change little
            where their sizes do.
    """

    kind: str = ""
    sizes: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.kind.format(*self.sizes)


def block(kind: str, *sizes: int | None) -> Block:
    """A block; sizes that are open become 0."""
    return Block(kind, tuple(int(size or 0) for size in sizes))


@dataclass(frozen=True)
class Rewrite:
    """Equal forms of a block.

    Attributes:
        rule: name of the rule.
        layers: the user's layers in the block, by name.
        inputs, output: tensors that the block reads and makes.
        forms: name -> form, without the form that the block has now.
        gain: the expected gain, in words.
        block: what its time depends on.
        always: whether the first form is never slower, so that it is taken without measurement.
    """

    rule: str
    layers: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    output: Tensor
    forms: Mapping[str, Form]
    gain: str
    block: Block = Block()
    always: bool = False

    @property
    def certain(self) -> str | None:
        """The form that is taken without a choice: never slower, and the only one."""
        return next(iter(self.forms)) if self.always and len(self.forms) == 1 else None

    def without(self, names: Collection[str]) -> "Rewrite":
        """The same rewrite without some forms."""
        forms = {name: form for name, form in self.forms.items() if name not in names}
        return self if len(forms) == len(self.forms) else replace(self, forms=forms)
