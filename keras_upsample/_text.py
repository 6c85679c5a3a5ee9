"""Results as text: tables for the screen, and JSON for programs."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table: the first row is the header, under which a rule is drawn."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *others = rows
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in (head, ["-" * width for width in widths], *others)
    ]


def finite(value: Any) -> Any:
    """Replace numbers that are infinite or not a number by None: JSON has neither."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(value: Any) -> str:
    """Plain values as indented JSON, see `finite`; what can't be shown is escaped as `\\u001b`."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def plain_name(name: str) -> str:
    """A name of letters, digits and `_.-`, for a file or folder."""
    return re.sub(r"[^\w.-]", "_", name) or "model"


def printable(name: object) -> str:
    """A name of a file, or in one, as it can be shown: in one line, and no command to a terminal.

    What is not printable is escaped, as in a Python string: line ends, control characters, marks
    that turn the direction of text, and bytes that are not UTF-8.
    """
    return "".join(c if c.isprintable() else _escaped(c) for c in str(name))


def printable_lines(text: object) -> str:
    """The same for a text whose line ends are ours."""
    return "\n".join(map(printable, str(text).split("\n")))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
