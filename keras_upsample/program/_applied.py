"""A log entry: a change of one block of a program, or the reason why it was not changed."""

from dataclasses import dataclass

KEEP = "as it is"
"""The form of a block that was not changed."""

LIKE_THIS = "measured on processors like this one"
FOR_ANY = "for any machine"
"""Why a profile was taken that nobody named."""


@dataclass(frozen=True)
class Applied:
    """Lowering of one block: the form that was chosen, or the reason why the block is unchanged.

    Attributes:
        rule: name of the rule.
        layers: names of the user's layers in the block.
        form: name of the form; "as it is" if the block is unchanged.
        gain: the expected gain, or the reason why the block is unchanged.
        measured: speed-up, i.e. time of the block before / after, in the target's runtime or by its
            compiler's estimate; None if the block was not measured, or did not run there before.
        loss: what the form computes otherwise on the calibration images; empty if it is equal.
    """

    rule: str
    layers: tuple[str, ...]
    form: str
    gain: str
    measured: float | None = None
    loss: str = ""

    def __str__(self) -> str:
        speed = "" if self.measured is None else f" (measured {self.measured:.2f}x)"
        loss = f"; {self.loss}" if self.loss else ""
        return f"{self.rule}: {', '.join(self.layers)}: {self.form}: {self.gain}{speed}{loss}"
