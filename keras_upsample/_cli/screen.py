"""What a command shows: nothing that a file says is a command to the terminal, or markup."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
import typer.core

from .._text import printable_lines

if TYPE_CHECKING:
    from rich.console import Console


_COMPLAINT: Any = typer.BadParameter.__mro__[2]
"""`click.ClickException`; typer brings a click of its own along."""


def say(text: object = "") -> None:
    """A line, or a table, on standard output."""
    typer.echo(printable_lines(text))


def screen(**options: Any) -> "Console":
    """A console; it prints texts as they are, without markup and without colours of its own.

    Args:
        **options: those of `rich.console.Console`.
    """
    from rich.console import Console

    class Screen(Console):
        def print(self, *objects: Any, **how: Any) -> None:
            if not any(isinstance(each, str) for each in objects):  # bars and their tables
                super().print(*objects, **how)
                return
            texts = [printable_lines(each) if isinstance(each, str) else each for each in objects]
            plain = {"markup": False, "highlight": False, "soft_wrap": True}
            super().print(*texts, **{**plain, **how})

    return Screen(**options)


class PrintableGroup(typer.core.TyperGroup):
    """Commands whose complaints about arguments, which a pattern of the shell may have made of
    names of files, can be shown."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        """The context of the program's own options."""
        with _printable_complaints():
            return super().make_context(*args, **more)

    def invoke(self, ctx: Any) -> Any:
        """Read the arguments of a command, and run it."""
        with _printable_complaints():
            return super().invoke(ctx)


@contextmanager
def _printable_complaints() -> Iterator[None]:
    try:
        yield
    except _COMPLAINT as error:
        error.message = printable_lines(error.message)
        raise
