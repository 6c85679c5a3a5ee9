"""The loop over images of `keras-upsample predict`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._text import printable
from ..errors import first_line


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
    names: Sequence[str],
    out: Path,
    *,
    step: Callable[[int, float], None],
    report: Callable[[str], None],
    note: Callable[[str], None],
    **options: Any,
) -> Tally:
    """Predict every file; one that fails is reported, and the rest goes on.

    Args:
        model: a `Predictor`.
        files: the images.
        names: names of their results.
        out: the folder for them.
        step: called with the number of an image and how much of it is done.
        report: called with one line on each image that failed.
        note: called with one line on each part of an image that was left out.
        **options: options of `predict_to_files`.
    """
    from ..predict import predict_to_files

    tally = Tally()
    for number, (file, name) in enumerate(zip(files, names, strict=True)):
        step(number, 0.0)
        try:
            result = predict_to_files(
                model,
                file,
                out,
                name=name,
                progress=lambda done, number=number: step(number, done),  # type: ignore[misc]
                **options,
            )
        except PermissionError:
            raise  # of the folder, so that no other image would do better
        except (ValueError, OSError, MemoryError) as error:
            line = first_line(error)
            named = any(form in line for form in (str(file), repr(str(file)), printable(file)))
            report(line if named else f"{printable(file)}: {line}")
            tally.failed += 1
            continue
        for line in result.notes:
            note(f"{printable(file)}: {line}")
        tally.written += bool(result.written)
        tally.kept += not result.written
    return tally


def _images(count: int) -> str:
    return f"{count} image" + "s" * (count != 1)
