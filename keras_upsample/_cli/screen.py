"""What a command shows: nothing that a file says is a command to the terminal, or markup."""

from typing import TYPE_CHECKING, Any

import typer

from .._text import printable_lines

if TYPE_CHECKING:
    from rich.console import Console


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
