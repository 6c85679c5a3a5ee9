"""`Metadata` in a SavedModel: a file in `assets.extra`, which TensorFlow leaves to the user."""

from pathlib import Path

from ._facts import Metadata

PLACE = Path("assets.extra") / "keras_upsample_metadata.json"
_MOST_BYTES = 2**24


def write_saved_model(folder: Path, metadata: Metadata) -> None:
    """Put the metadata into a SavedModel that stands in `folder`."""
    place = folder / PLACE
    place.parent.mkdir(exist_ok=True)
    place.write_text(metadata.to_json() + "\n", encoding="utf-8")


def read_saved_model(folder: Path) -> Metadata | None:
    """What `write_saved_model` wrote; None where nothing is.

    Raises:
        ValueError: it is damaged.
    """
    place = folder / PLACE
    if not place.is_file():
        return None
    if place.stat().st_size > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES >> 20} MiB.")
    return Metadata.from_json(place.read_bytes())
