"""The README.md of a repository, made of the metadata of the files."""

from collections.abc import Iterator, Mapping

from .._text import printable
from ..metadata import Input, Metadata, Output
from ._address import Address
from ._content import Content

MARK = "<!-- Written by `keras-upsample push`, which replaces it. Without this line it is kept. -->"
"""Line by which a later push knows a card of its own."""


def card_body(content: Content, address: Address) -> str:
    """The card in Markdown, without front matter.

    Args:
        content: the files that are pushed.
        address: where they are pushed to.
    """
    return "\n".join([MARK, "", *_lines(content, address)]) + "\n"


def _lines(content: Content, address: Address) -> Iterator[str]:
    facts = content.metadata
    yield f"# {_title(facts, address)}"
    yield ""
    if facts.description:
        yield from (printable(facts.description), "")
    if facts.task:
        yield from (f"Task: {facts.task.replace('_', ' ')}.", "")
    yield from ("| file | format |", "|---|---|")
    for name, kind in content.models.items():
        yield f"| `{printable(name)}` | {kind} |"
    yield from ("", "## How to load it", "")
    yield from _loading(content.models, address)
    if facts.inputs:
        yield from ("## Inputs", "")
        for number, item in enumerate(facts.inputs):
            yield f"- {_input(item, number)}"
        yield ""
    if facts.preprocessing:
        yield from (f"Preprocessing: {printable(facts.preprocessing)}.", "")
    if facts.outputs:
        yield from ("## Outputs", "")
        for number, output in enumerate(facts.outputs):
            yield f"- {_output(output, number)}"
        yield ""
    if facts.training_data:
        yield from ("## Training data", "", f"{printable(facts.training_data)}", "")
    yield from ("## Licence", "", f"{printable(facts.licence) or 'The files state none.'}")
    if facts.author:
        yield from ("", f"Author: {printable(facts.author)}.")
    if content.report is not None:
        yield from (
            "",
            "`report.json` says how each exported file was compared with the model.",
        )


def _title(facts: Metadata, address: Address) -> str:
    return printable(facts.preset or facts.name) or address.name.split("/")[1]


def _loading(models: Mapping[str, str], address: Address) -> Iterator[str]:
    folder = address.name.split("/")[1]
    yield from ("```sh", f"keras-upsample pull {address} --out {folder}", "```", "")
    yield from ("```python", "import keras, keras_upsample", "")
    for name, kind in models.items():
        place = printable(f"{folder}/{name}")
        if kind == "Keras":
            yield f"model = keras.models.load_model({place!r})"
        else:
            yield f"model = keras_upsample.runtimes.load({place!r})"
    yield from ("```", "")


def _input(item: Input, number: int) -> str:
    size = "×".join("any" if pixels is None else str(pixels) for pixels in item.size)
    parts = [f"`{printable(item.name) or number}`: {size} pixels, {item.layout}, {item.dtype}"]
    if item.channels:
        parts.append(f"channels {printable(', '.join(item.channels))}")
    if item.scaling is not None:
        parts.append(f"scaling {item.scaling}")
    elif item.value_range is not None:
        parts.append("values {:g} to {:g}".format(*item.value_range))
    if item.whole:
        parts.append("whole pictures, resized to this size")
    return "; ".join(parts)


def _output(item: Output, number: int) -> str:
    kind = item.kind.replace("_", " ") or "of unknown kind"
    parts = [f"`{printable(item.name) or number}`: {kind}"]
    if item.unit:
        parts[0] += f" in {printable(item.unit)}"
    if item.class_names:
        names = (f"{place} {printable(name)}" for place, name in enumerate(item.class_names))
        parts.append(f"classes {', '.join(names)}")
    if item.threshold is not None:
        parts.append(f"threshold {item.threshold:g}")
    if item.value_range is not None:
        parts.append("values {:g} to {:g}".format(*item.value_range))
    return "; ".join(parts)
