"""Progress bars for an export and for predictions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._text import printable
from .signals import end_if_asked

if TYPE_CHECKING:
    from rich.console import Console

_STEPS = ("lower", "convert", "verify", "measure", "publish")


@contextmanager
def export_progress(
    console: "Console", targets: Sequence[str]
) -> Iterator[Callable[[str, str], None]]:
    """Yields `step(target, name)`; the bar counts the steps of all targets.

    A name that is no step says what the present one is at: a block that is being measured.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<24}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    total = 1 + len(targets) * len(_STEPS)
    done: dict[str, int] = {}
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("load the model", total=total)

        def step(target: str, name: str) -> None:
            end_if_asked()
            if name in _STEPS:
                done[target] = _STEPS.index(name)
            finished = 1 + sum(
                done.get(t, 0) if t == target else len(_STEPS)
                for t in targets[: targets.index(target) + 1]
            )
            bar.update(task, completed=finished, description=printable(f"{target}: {name}"))

        yield step


@contextmanager
def image_progress(
    console: "Console", names: Sequence[str]
) -> Iterator[Callable[[int, float], None]]:
    """Yields `step(number, done)`: image `number` of `names` is done to that share."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[image]:<24.24}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[number]}/{task.total:.0f}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=len(names), image="", number=0)

        def step(number: int, done: float) -> None:
            end_if_asked()
            bar.update(
                task, completed=number + done, image=printable(names[number]), number=number + 1
            )

        yield step
