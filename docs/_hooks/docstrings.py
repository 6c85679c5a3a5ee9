"""How docstrings and constants look on the pages of the API."""

import re
from typing import Any

import griffe

_LABEL = re.compile(r"\n(?=(?:Inputs?|Outputs?|Weights|Figure|References?): )")

# The name that griffe has for a section of `>>>` lines.
_EXAMPLE = re.compile(r"^Example:$", re.M)

# Characters of a constant's value that are shown. Tables such as TARGETS are longer.
_LONGEST_VALUE = 300


class Layout(griffe.Extension):
    """Runs on every object that has a docstring."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Make each labelled line (`Input: ...`) a paragraph of its own, and examples code."""
        if obj.docstring:
            paragraphs = _LABEL.sub("\n\n", obj.docstring.value)
            obj.docstring.value = _EXAMPLE.sub("Examples:", paragraphs)

    def on_attribute(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        """Leave out long values."""
        if attr.value and len(str(attr.value)) > _LONGEST_VALUE:
            attr.value = None
