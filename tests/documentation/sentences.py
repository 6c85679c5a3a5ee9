"""The sentences of a page in Markdown, those in the cells of its tables included."""

import re
from collections.abc import Iterator
from pathlib import Path

_THREATS = "threat"  # a column that says what files can do, not what this package does


def sentences(page: Path) -> list[tuple[str, str]]:
    """(Heading, sentence) in their order; a cell's begins with the row's name and the column's.

    Blocks of code, comments and what stands between generated marks are left out.
    """
    text = re.sub(r"```.*?```|<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    found: list[tuple[str, str]] = []
    heading = ""
    for block in re.split(r"\n\s*\n|\n(?=- |#|\|)|(?<=\|)\n(?!\|)", text):
        block = " ".join(block.split())
        if block.startswith("#"):
            heading = block.lstrip("# ")
            columns: list[str] = []
        elif block.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", block)[1:-1]]
            if not columns:
                columns = cells
            elif set(block) - set("|- "):
                found += ((heading, each) for each in _of_row(columns, cells))
        else:
            columns = []
            found += ((heading, each) for each in _parts(block.removeprefix("- "), r"(?<=[.]) "))
    return found


def _of_row(columns: list[str], cells: list[str]) -> Iterator[str]:
    for column, cell in zip(columns[1:], cells[1:], strict=True):
        if column != _THREATS:
            for part in _parts(cell, r"; (?!\))|(?<=[.]) "):
                yield f"{cells[0]}, {column}: {part}" if column else f"{cells[0]}: {part}"


def _parts(text: str, ends: str) -> list[str]:
    """The text without marks of emphasis, cut at these ends where a sentence may begin."""
    parts = re.split(rf"(?:{ends})(?=[A-Za-z0-9`*\[(\"])", text)
    return [part.strip() for part in parts if part.strip()]
