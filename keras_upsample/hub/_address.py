"""Addresses of repositories: `hf://USER/NAME`, `kaggle://USER/MODEL/keras/VARIATION`."""

import re
from dataclasses import dataclass

from ..errors import did_you_mean

_FORMS = {"hf": "hf://USER/NAME", "kaggle": "kaggle://USER/MODEL/keras/VARIATION"}
_PART = r"[A-Za-z0-9][\w.-]*"
_PATTERNS = {
    "hf": re.compile(rf"(?P<name>{_PART}/{_PART})(?:@(?P<revision>[\w./-]+))?", re.ASCII),
    "kaggle": re.compile(rf"(?P<name>{_PART}(?:/{_PART}){{3}})(?:/(?P<revision>\d+))?", re.ASCII),
}


@dataclass(frozen=True)
class Address:
    """Where a model is kept.

    Attributes:
        scheme: the hub, `"hf"` or `"kaggle"`.
        name: the repository, as the hub's client takes it.
        revision: of Hugging Face a branch, tag or commit, of Kaggle a version; None for the newest.
    """

    scheme: str
    name: str
    revision: str | None = None

    def __str__(self) -> str:
        at = {"hf": "@", "kaggle": "/"}[self.scheme]
        return f"{self.scheme}://{self.name}{'' if self.revision is None else at + self.revision}"


def address_of(text: str) -> Address:
    """The address that a text is.

    Raises:
        ValueError: an unknown scheme, or not the form of its addresses.
    """
    scheme, separator, rest = str(text).partition("://")
    if not separator or scheme not in _FORMS:
        raise ValueError(
            f"`address` must be {' or '.join(_FORMS.values())}. Received: {str(text)!r}."
            f"{did_you_mean(scheme, _FORMS) if separator else ''}"
        )
    match = _PATTERNS[scheme].fullmatch(rest)
    if match is None:
        raise ValueError(f"`address` must be {_FORMS[scheme]}. Received: {str(text)!r}.")
    return Address(scheme, match["name"], match["revision"])
