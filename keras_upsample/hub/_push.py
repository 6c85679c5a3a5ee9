"""`push`: model files, with a card of their metadata, to a hub."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._text import printable
from ..files._scratch import scratch
from ._address import address_of
from ._card import card_body
from ._content import README, REPORT, content_of
from ._hubs import hub_of


@dataclass(frozen=True)
class PushReport:
    """What `push` uploaded.

    Attributes:
        address: address of the repository.
        files: names of the files in the repository, as they were offered to the hub.
        url: address of the commit or model on the hub's site.
        notes: what was left out, in words.
    """

    address: str
    files: tuple[str, ...]
    url: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.address}: {self.url}"


def push(
    files: str | Path | Sequence[str | Path],
    address: str,
    *,
    readme: str | Path | None = None,
    private: bool = False,
    message: str = "Upload by keras_upsample",
    tell: Callable[[str], None] | None = None,
) -> PushReport:
    """Upload model files with a card that is made of their metadata.

    The files keep their names. A README.md is made of the metadata (task, inputs and their scaling,
    outputs and classes, licence, how to load the files); nothing is written beside the models. A
    `report.json` of `export` beside them goes along, with names in place of its paths. Nothing
    else is uploaded. After an upload to Hugging Face, the hashes that the hub states are compared
    with the files.

    Args:
        files: `.keras`, `.tflite`, `.onnx` or `.xml` files (their values go along), or SavedModel
            folders.
        address: `"hf://USER/NAME"` or `"kaggle://USER/MODEL/keras/VARIATION"`. What is not there is
            created.
        readme: a README.md of your own in place of the made one. Without it, a README.md in the
            repository that `push` did not write is kept.
        private: whether a new repository is private; one that is public is refused then. Kaggle's
            are private in any case until they are published on its site.
        message: message of the commit, notes of Kaggle's version.
        tell: called with each line on what is uploaded and where, before it is.

    Returns:
        The report.

    Raises:
        ValueError: an unknown address, no such file, or one that can't be pushed. Nothing was
            uploaded.
        ArtefactError: metadata that are damaged. Nothing was uploaded.
        ModuleNotFoundError: the hub's client is not installed.
        HubError: no token, no network, or the hub refuses.

    Example:
        >>> push("build/unet.onnx", "hf://me/unet")  # doctest: +SKIP
    """
    place = address_of(address)
    hub = hub_of(place)
    content = content_of([files] if isinstance(files, str | Path) else files)
    if readme is not None and not Path(readme).is_file():
        raise ValueError(f"`readme` {str(readme)!r} does not exist.")
    hub.check(writes=True)
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        if tell is not None:
            tell(line)

    with scratch() as folder:
        offered = dict(content.files)
        if readme is not None:
            offered[README] = Path(readme)
        else:
            body = card_body(content, place)
            formats = sorted({kind.lower() for kind in content.models.values()} - {"keras"})
            offered[README] = folder / README
            text = hub.card(body, content.metadata, formats)
            offered[README].write_text(text, encoding="utf-8")
        if content.report is not None:
            offered[REPORT] = folder / REPORT
            offered[REPORT].write_text(content.report, encoding="utf-8")
        if tell is not None:
            tell(f"to {place}:")
            for name, file in offered.items():
                tell(f"  {printable(name)}  {file.stat().st_size:,} bytes")
        for line in content.notes:
            if readme is None or README not in line:
                note(line)
        url = hub.upload(
            offered,
            own_card=readme is not None,
            private=private,
            licence=content.metadata.licence,
            message=message,
            tell=note,
        )
    return PushReport(str(place), tuple(offered), url, tuple(notes))
