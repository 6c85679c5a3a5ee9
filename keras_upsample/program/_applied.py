"""A log entry: what a step did at one place of a program, or why it left the place as it is."""

from dataclasses import dataclass

KEEP = "as it is"
"""The form of a place that was left alone."""


@dataclass(frozen=True)
class Applied:
    """What lowering did at one place, or why it left the place as it is.

    Attributes:
        rule: name of the rule.
        layers: the user's layers it is about.
        form: the form taken; "as it is" where none.
        gain: what is expected of it, or the reason why nothing is.
        measured: time of the block before over after, in the target's runtime or by its compiler's
            estimate; None if it was not measured, or did not run there before.
    """

    rule: str
    layers: tuple[str, ...]
    form: str
    gain: str
    measured: float | None = None

    def __str__(self) -> str:
        speed = "" if self.measured is None else f" (measured {self.measured:.2f}x)"
        return f"{self.rule}: {', '.join(self.layers)}: {self.form}: {self.gain}{speed}"
