"""Whether files in the cache are what was unpacked: `sha256.json` beside them has their SHA-256."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ._digest import digest_of
from ._workshop import replace_file

RECORD = "sha256.json"


def are_as_recorded(files: Sequence[Path]) -> bool:
    """Whether each file is there, and has the content that was recorded."""
    return all(
        path.is_file() and _read(path.parent).get(path.name) == digest_of(path) for path in files
    )


def record(files: Sequence[Path]) -> None:
    """Record what files of one folder contain.

    Raises:
        OSError: the record can't be written.
    """
    folder = files[0].parent
    found = {path.name: digest_of(path) for path in files}
    # What another process records in between is lost, and its files are fetched once more.
    with replace_file(folder / RECORD) as staged:
        text = json.dumps(_read(folder) | found, indent=1, sort_keys=True)
        staged.write_text(text + "\n", encoding="utf-8")


def _read(folder: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}
