"""Patterns of file names, e.g. `{name}_mask`, that match masks with images."""

import re
from pathlib import PurePosixPath

from ..images._pictures import SUFFIXES

Key = tuple[str, str]
"""(sub-folder, name): equal for an image and its mask."""


class Pattern:
    """The part of a file name that an image and its mask share.

        {name}_mask                bonn/car1_mask.gif          -> ("bonn", "car1")
        {name}.png                 car1.png, but no car1.jpg   -> ("", "car1")
        {folder}/masks/{name}      a/b/masks/car1.tif          -> ("a/b", "car1")

    Without a slash it is of the file's name, and the sub-folder must be equal; with one it is of
    the path from the folder that is searched. An ending of a picture is compared (in any case of
    letters), any other is part of the name; without one every picture does.

    Args:
        what: the argument that it was given for.
        text: the pattern.

    Raises:
        ValueError: `{name}` is not in it once, or other braces are.
    """

    def __init__(self, what: str, text: str) -> None:
        self.text = text
        parts = re.split(r"(\{[^{}]*\})", text) if isinstance(text, str) else []
        fields = [part for part in parts if part.startswith("{")]
        allowed = ["{name}", "{folder}"] if parts and "/" in text else ["{name}"]
        known = set(fields) <= {*allowed} and len({*fields}) == len(fields)
        if "{name}" not in fields or not known or re.search(r"[{}]", re.sub(r"\{\w+\}", "", text)):
            raise ValueError(
                f"`{what}` must be a file name with {{name}} once in place of what an image and "
                "its mask share, e.g. '{name}_mask', or a path with {folder} too, e.g. "
                f"'{{folder}}/masks/{{name}}'. Received: {text!r}."
            )
        ending = PurePosixPath(parts[-1]).suffix or (parts[-1] if parts[-1][:1] == "." else "")
        self._ending = ending.lower() if ending.lower() in SUFFIXES else None
        if self._ending:
            parts[-1] = parts[-1][: -len(ending)]
        names = {"{name}": "(?P<name>[^/]+)", "{folder}": "(?P<folder>.+)"}
        self._whole = "/" in text
        self._regex = re.compile("".join(names.get(part, re.escape(part)) for part in parts))

    def key(self, path: PurePosixPath) -> Key | None:
        """Of a file, by its path from the folder that is searched; None if it is none of these."""
        if self._ending not in (None, path.suffix.lower()):
            return None
        folder = str(path.parent) if path.parent.name else ""
        stem = f"{folder}/{path.stem}" if self._whole and folder else path.stem
        found = self._regex.fullmatch(stem)
        if found is None:
            return None
        fields = found.groupdict()
        return (fields.get("folder") or "") if self._whole else folder, fields["name"]
