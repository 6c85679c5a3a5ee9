"""A record of what each result was made from: `.keras_upsample/NAME_classes.png.json`."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..files._digest import digest_of
from ..images._sources import ImageError, Source
from ._predictor import Predictor

FOLDER = ".keras_upsample"

_WHAT = {"image": "another image", "model": "another model"}
_NO_FACTS = ("result", "before")
_NO_MATTER = ("network", "classes", "taken", "assumed")
_OURS = (
    "It is neither taken for this one nor replaced: pass overwrite=True (--overwrite), or choose "
    "another folder or name."
)
_NOT_OURS = (
    "It is neither taken for this one nor replaced: move it away, or choose another folder or name."
)


def made_from(image: Path, source: Source, predictor: Predictor, options: Mapping[str, Any]) -> Any:
    """Everything that a result's values depend on, by name: the image, the model, the options.

    Args:
        image: the file; its content counts, not its name or date.
        source: a frame of the image.
        predictor: the model and how it is used.
        options: options of `predict_to_files`, as they were applied.
    """
    own = {f.name: getattr(predictor, f.name) for f in fields(predictor)}
    own = {name: value for name, value in own.items() if name not in _NO_MATTER}
    own |= {"output": predictor.network.output.name, "class_count": predictor.class_count}
    mask = image.with_name(f"{image.name}.msk")
    beside = digest_of(mask) if mask.is_file() else ""
    return {
        "image": f"{digest_of(image)} {source.frame} {beside}".strip(),
        "model": predictor.identity,
        **{name: _short(value) for name, value in {**own, **options}.items()},
        "place": _short(source.place),
    }


def keep(path: Path, facts: Mapping[str, str], *, overwrite: bool = False) -> bool:
    """Whether `path` is a result of the same image, model and options; False if it is missing.

    Args:
        path: path of the result.
        facts: the image, model and options, as `made_from` returns them.
        overwrite: return False for any result that `predict` wrote, so that it is replaced.

    Raises:
        ImageError: `path` was made from something else, or has no valid record.
    """
    if not os.path.lexists(path):
        return False
    record = _own_record(path)
    if record is None:
        raise ImageError(
            f"{str(path)!r} is there, and nothing says that it is a result of this image and "
            f"model, or it was changed since. {_NOT_OURS}"
        )
    if overwrite:
        return False
    for name in dict.fromkeys([*facts, *(name for name in record if name not in _NO_FACTS)]):
        if record.get(name) != facts.get(name):
            change = f"another {name!r} ({record.get(name)}, now {facts.get(name)})"
            what = _WHAT.get(name, change)
            raise ImageError(f"{str(path)!r} is there and was made with {what}. {_OURS}")
    return True


def is_ours(path: Path) -> bool:
    """Whether `predict` wrote this file, and it has not changed since."""
    return _own_record(path) is not None


def _own_record(path: Path) -> Mapping[str, Any] | None:
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        return None
    # What can't be read for another reason is an error of its own: it may well be ours.
    with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        record = json.loads(_place(path).read_text(encoding="utf-8"))
        digest = digest_of(path)
        for one in (record, record.get("before")) if isinstance(record, dict) else ():
            if isinstance(one, dict) and one.get("result") == digest:
                return one
    return None


def record(path: Path, facts: Mapping[str, str], staged: Path) -> None:
    """Record what a result was made from, before it is renamed from `staged` to `path`.

    The record of the one that it replaces is kept in it. So whichever of the two stands there after
    a process was killed, the next one knows it.
    """
    from .._publish import publish

    before = _own_record(path)
    known = {} if before is None else {"before": {k: v for k, v in before.items() if k != "before"}}
    with publish(_place(path)) as place:
        text = json.dumps({**facts, "result": digest_of(staged), **known}, indent=1)
        place.write_text(text + "\n", encoding="utf-8")


def _place(path: Path) -> Path:
    return path.parent / FOLDER / f"{path.name}.json"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else hashlib.sha256(text.encode()).hexdigest()
