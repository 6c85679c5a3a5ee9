"""Names of files, of models' names."""

import re


def plain_name(name: str) -> str:
    """A name of letters, digits and `_.-`, for a file or folder."""
    return re.sub(r"[^\w.-]", "_", name) or "model"
