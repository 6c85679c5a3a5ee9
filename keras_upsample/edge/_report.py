"""The result of a check: the place of each operator."""

from dataclasses import dataclass

ACCELERATOR, CPU = "accelerator", "CPU"


@dataclass(frozen=True)
class Placement:
    """Where one operator runs.

    Attributes:
        operator: name of the operator.
        layer: name of the Keras layer that the operator came from, if the file shows it.
        place: `"accelerator"` or `"CPU"`.
        reason: why the operator does not run on the accelerator; empty if it does.
        remedy: a change that would move it to the accelerator; empty if none is known.
    """

    operator: str
    layer: str
    place: str
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class CheckReport:
    """Result of the check of a file for a device.

    Attributes:
        device: name of the device.
        how: how the places were found: a compiler or interpreter, or rules.
        placements: one `Placement` for each operator, in the order in which they run.
        problems: problems of the file as a whole.
        notes: estimates, warnings, and the command to run next.
        wrong: whether the device was seen to compute other values than the processor.
    """

    device: str
    how: str
    placements: tuple[Placement, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    wrong: bool = False

    @property
    def passed(self) -> bool:
        """Whether all operators run on the accelerator and the file as a whole has no problem."""
        return not self.problems and all(p.place == ACCELERATOR for p in self.placements)

    @property
    def left(self) -> tuple[Placement, ...]:
        """The operators that stay on the CPU."""
        return tuple(p for p in self.placements if p.place != ACCELERATOR)

    @property
    def verdict(self) -> str:
        """The result in one line."""
        counts = f"{len(self.left)} of {len(self.placements)} operators on the CPU"
        return f"{self.device} ({self.how}): {'passed' if self.passed else 'FAILED'}, {counts}"

    def __str__(self) -> str:
        width = max([len(p.operator) for p in self.placements], default=0)
        layers = max([len(p.layer) for p in self.placements], default=0)
        lines = []
        for p in self.placements:
            tail = f"  {p.reason}" if p.reason else ""
            lines.append(f"{p.operator:{width}}  {p.layer:{layers}}  {p.place}{tail}".rstrip())
            if p.remedy:
                lines.append(f"{'':{width}}  {'':{layers}}  -> {p.remedy}")
        lines += [f"problem: {problem}" for problem in self.problems]
        lines += list(self.notes)
        return "\n".join([*lines, self.verdict])
