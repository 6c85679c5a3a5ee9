"""What a check found."""

from dataclasses import dataclass

ACCELERATOR, CPU = "accelerator", "CPU"


@dataclass(frozen=True)
class Placement:
    """Where one operator runs.

    Attributes:
        operator: its name.
        layer: the Keras layer it came from, as far as the file tells.
        place: `"accelerator"` or `"CPU"`.
        reason: why not on the accelerator; empty where it is.
        remedy: the change that mends it; empty where there is none to name.
    """

    operator: str
    layer: str
    place: str
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class CheckReport:
    """A file and a device.

    Attributes:
        device: name of the device.
        how: by what the places are known: a compiler with its version, or rules.
        placements: one an operator, in the order in which they run.
        problems: what is wrong with the file as a whole.
        notes: estimates, warnings, and what to run next.
    """

    device: str
    how: str
    placements: tuple[Placement, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is left behind."""
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
