"""Names, credits and the README of a bioimage.io package."""

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...metadata import Metadata

_LINK = re.compile(r"(?:https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)$|(https?://\S+)$")


@dataclass(frozen=True)
class Credits:
    """Who made a model, what it may be used for, and what to cite."""

    author: str
    licence: str
    text: str
    doi: str
    url: str

    @classmethod
    def of(
        cls, metadata: Metadata, author: str | None, licence: str | None, cite: str | None
    ) -> "Credits":
        """The user's, or those that the model knows.

        Raises:
            ValueError: some are unknown, or `cite` ends in no DOI and no address.
        """
        author, licence = author or metadata.author, licence or metadata.licence
        known = {"author": author, "licence": licence, "cite": cite}
        missing = [name for name, value in known.items() if not value]
        if missing:
            raise ValueError(
                f"A bioimage.io package names what the model does not know: {', '.join(missing)}. "
                f"Pass {', '.join(f'{name}= (--{name})' for name in missing)}."
            )
        assert cite  # it is among the known
        if "/" in author:
            raise ValueError(f"`author` must be a name without '/'. Received: {author!r}.")
        link = _LINK.search(cite.strip())
        if link is None:
            raise ValueError(
                "`cite` must end in a DOI or an address, e.g. 'Ronneberger et al., U-Net, "
                f"10.1007/978-3-319-24574-4_28'. Received: {cite!r}."
            )
        text = cite.strip()[: link.start()].rstrip(" ,;:") or link[0]
        return cls(author, licence, text, link[1] or "", link[2] or "")

    def to_dict(self) -> dict[str, Any]:
        """As in the description."""
        link = {"doi": self.doi} if self.doi else {"url": self.url}
        return {
            "authors": [{"name": self.author}],
            "license": self.licence,
            "cite": [{"text": self.text, **link}],
        }


def plain_text(text: str, least: int) -> str:
    """A name of the characters that are allowed."""
    plain = re.sub(r"[^A-Za-z0-9_+\- ()]", "_", text)[:128]
    return plain if len(plain) >= least else f"{plain} model"


def tensor_ids(names: Sequence[str]) -> list[str]:
    """Identifiers in small letters, all different."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^a-z0-9_]", "_", name.lower())[:24]
        if not plain.isidentifier() or keyword.iskeyword(plain):
            plain = f"t_{plain}"
        number = 1
        while (wanted := plain if number == 1 else f"{plain}_{number}") in found:
            number += 1
        found.append(wanted)
    return found


def read_me(name: str, metadata: Metadata, credits: Credits) -> str:
    """What the package says of itself, in words."""
    return "\n\n".join(_paragraphs(name, metadata, credits)) + "\n"


def _paragraphs(name: str, metadata: Metadata, credits: Credits) -> Iterator[str]:
    yield f"# {name}"
    if metadata.description:
        yield metadata.description
    if metadata.preprocessing:
        yield f"Input: {metadata.preprocessing}."
    if metadata.class_names:
        yield f"Classes: {', '.join(metadata.class_names)}."
    if metadata.training_data:
        yield f"Trained on: {metadata.training_data}."
    yield f"Licence: {credits.licence}."
    yield "## Validation"
    where = f" in {metadata.verified_in}" if metadata.verified_in else ""
    yield (
        f"The ONNX file was compared with the Keras model{where}, by {metadata.written_by}. How "
        "well the model does on your images is not known: compare its results with masks of yours."
    )
