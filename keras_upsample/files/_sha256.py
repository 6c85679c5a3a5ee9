"""SHA-256 of one file."""

import hashlib
from pathlib import Path

_BLOCK = 1 << 20


def sha256_of(file: Path) -> str:
    """SHA-256 of the file's content, as `sha256sum` prints it."""
    result = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            result.update(block)
    return result.hexdigest()
