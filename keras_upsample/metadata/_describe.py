"""`Metadata` as lines of text."""

from collections.abc import Iterator

from ._facts import Input, Metadata, Output


def as_lines(metadata: Metadata) -> Iterator[str]:
    """The known facts, one a line; unknown facts are left out."""
    for label in (
        "version", "task", "preset", "author", "licence", "training_data", "description",
    ):  # fmt: skip
        if getattr(metadata, label):
            yield _line(label.replace("_", " "), getattr(metadata, label))
    for item in metadata.inputs:
        yield from _input_lines(item, len(metadata.inputs) > 1)
    if metadata.preprocessing:
        yield _line("preprocessing", metadata.preprocessing)
    for output in metadata.outputs:
        yield from _output_lines(output, len(metadata.outputs) > 1)
    if metadata.written_by:
        yield _line("written by", metadata.written_by)
    if metadata.verified_in:
        yield _line("verified in", metadata.verified_in)


def _line(label: str, text: object) -> str:
    return f"{label:<14} {text}"


def _input_lines(item: Input, several: bool) -> Iterator[str]:
    whose = f" of {item.name}" if several and item.name else ""
    if item.channels:
        yield _line("channels", f"{', '.join(item.channels)}{whose}")
    if item.value_range is not None:
        low, high = item.value_range
        yield _line("value range", f"{low:g} to {high:g}{whose}")
    if item.scaling is not None:
        yield _line("scaling", f"{item.scaling}{whose}")


def _output_lines(output: Output, several: bool) -> Iterator[str]:
    whose = f" of {output.name}" if several and output.name else ""
    if output.kind:
        unit = f" in {output.unit}" if output.unit else ""
        yield _line("output kind", f"{output.kind}{unit}{whose}")
    if output.class_names:
        yield _line("classes", f"{', '.join(output.class_names)}{whose}")
    if output.colours:
        yield _line("colours", " ".join(f"#{bytes(c).hex()}" for c in output.colours) + whose)
    if output.threshold is not None:
        yield _line("threshold", f"{output.threshold:g}{whose}")
