"""The loop over images of `keras-upsample predict`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._text import printable

if TYPE_CHECKING:
    from ..predict import Ray


@dataclass
class Tally:
    """How the images of one run ended."""

    written: int = 0
    kept: int = 0
    failed: int = 0

    def __str__(self) -> str:
        parts = [f"{_images(self.written)} predicted"]
        if self.kept:
            parts.append(
                f"{self.kept} kept (made from the same image by the same model; --overwrite "
                "replaces them)"
            )
        if self.failed:
            parts.append(f"{self.failed} failed")
        return ", ".join(parts)


def predict_all(
    model: Any,
    files: Sequence[Path],
    out: Path,
    *,
    engine: "Ray | None" = None,
    load: Mapping[str, Any] | None = None,
    step: Callable[[int, float], None],
    report: Callable[[str], None],
    note: Callable[[str], None],
    **options: Any,
) -> Tally:
    """Predict every file; one that fails is reported, and the rest goes on.

    Args:
        model: a `Predictor`; with an engine, what names the model.
        files: the images.
        out: the folder for the results.
        engine, load: as for `predict_dataset`.
        step: called with the number of an image and how much of it is done; with an engine, with
            the number of those that have ended.
        report: called with one line on each image that failed.
        note: called with one line on each part of an image that was left out.
        **options: options of `predict_to_files`.
    """
    from ..predict import predict_dataset

    more: dict[str, Any] = {"progress": step} if engine is None else {}
    tally = Tally()
    outcomes = predict_dataset(model, files, out, engine=engine, load=load, **more, **options)
    for count, outcome in enumerate(outcomes):
        if engine is not None:
            step(count, 1.0)
        file, line = outcome.path, outcome.error
        if line:
            named = any(form in line for form in (str(file), repr(str(file)), printable(file)))
            report(line if named else f"{printable(file)}: {line}")
            tally.failed += 1
            continue
        for line in outcome.notes:
            note(f"{printable(file)}: {line}")
        tally.written += bool(outcome.written)
        tally.kept += not outcome.written
    return tally


def _images(count: int) -> str:
    return f"{count} image" + "s" * (count != 1)
