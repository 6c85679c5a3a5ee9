"""Results as text: tables for the screen, and JSON for programs."""

import json
import math
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
    """Plain values as indented JSON, see `finite`."""
    return json.dumps(finite(value), indent=2, ensure_ascii=False)
