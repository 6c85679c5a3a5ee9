"""One image file of many -> how its prediction ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import first_line
from ._files import predict_to_files
from ._load import load_model


@dataclass(frozen=True)
class Outcome:
    """How the prediction of one image file ended.

    Attributes:
        path: the image.
        written: results that were written.
        kept: results of an earlier run that were kept.
        notes: lines on pixels without data, unused tags, numbers of objects.
        error: why there are no results, in one line; empty if there are.
    """

    path: Path
    written: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Job:
    """One image file and the name of its results."""

    path: Path
    name: str


def outcome_of(
    predictor: Any,
    job: Job,
    folder: Path,
    options: Mapping[str, Any],
    progress: Callable[[float], None] = lambda done: None,
) -> Outcome:
    """Predict one image; what is wrong with it is told in the outcome.

    Raises:
        PermissionError: of the folder, so that no other image would do better.
    """
    try:
        done = predict_to_files(
            predictor, job.path, folder, name=job.name, progress=progress, **options
        )
    except PermissionError:
        raise
    except (ValueError, OSError, MemoryError) as error:
        return Outcome(job.path, error=first_line(error))
    return Outcome(job.path, done.written, done.kept, done.notes)


class ForRay:
    """What a worker does with images, for pipelines of your own, `dataset.map(ForRay, ...)`.

    Takes a row with `path`, the image, and if you like `name`, the first part of its results'
    names. Returns the row with `written`, `kept` and `notes`, lists of text; `error`, "" or one
    line; and `stop`, whether the folder can't be written to: no other image would do better.

    Args:
        model: name of a preset or path of a file.
        folder: folder for the results.
        load: keyword arguments of `load_model`; `threads` as many as a worker has processors.
        **options: options of `predict_to_files`.

    Example:
        >>> ray.data.from_items([{"path": "a.png"}]).map(  # doctest: +SKIP
        ...     ForRay,
        ...     fn_constructor_kwargs={"model": "unet:cells", "folder": "results"},
        ...     compute=ray.data.ActorPoolStrategy(size=2),
        ...     num_cpus=1,
        ... )
    """

    def __init__(
        self,
        model: str,
        folder: str,
        *,
        load: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._predictor = load_model(model, **(load or {}))
        self._folder = Path(folder)
        self._options = options

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        path = Path(row["path"])
        job, stop = Job(path, row.get("name") or path.stem), False
        try:
            outcome = outcome_of(self._predictor, job, self._folder, self._options)
        except PermissionError as error:
            outcome, stop = Outcome(path, error=first_line(error)), True
        return {
            **row,
            "written": [str(each) for each in outcome.written],
            "kept": [str(each) for each in outcome.kept],
            "notes": list(outcome.notes),
            "error": outcome.error,
            "stop": stop,
        }
