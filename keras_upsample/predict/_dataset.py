"""`predict_dataset`: many image files, one after the other here, or at once by an engine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import did_you_mean, first_line
from ._files import check_options, predict_to_files
from ._load import load_model
from ._result_names import result_names

if TYPE_CHECKING:
    from ._ray import Ray


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


def predict_dataset(
    model: Any,
    images: Sequence[str | Path],
    folder: str | Path,
    *,
    engine: "Ray | None" = None,
    load: Mapping[str, Any] | None = None,
    progress: Callable[[int, float], None] = lambda number, done: None,
    **options: Any,
) -> Iterator[Outcome]:
    """Predict image files and write the results; one outcome for every image.

    An image that can't be read, or does not fit the model, has an outcome with an error, and the
    others go on. Every result is written as `predict_to_files` writes it: complete or not at all,
    and the same bytes with every engine.

    Args:
        model: what `load_model` takes. With an engine it must be the name of a preset or the path
            of a file, which every worker loads for itself.
        images: paths of the images, each once. Results are named by the images' stems; where two
            share one, the suffix, the folder or a number is added.
        folder: folder for the results. With an engine on several machines it must be one folder to
            all of them, as the images' paths and the model's must be.
        engine: None to predict in this process, image by image, or a `Ray`.
        load: keyword arguments of `load_model`, if `model` is to be loaded here.
        progress: called with the number of an image and the share of it that is done, 0 to 1; an
            engine calls it with 1 alone.
        **options: options of `predict_to_files`, but `name` and `progress`.

    Yields:
        An outcome as soon as its image has ended; in the order of `images` without an engine.

    Raises:
        ValueError, TypeError: a bad argument.
        PermissionError: the folder can't be written to.
        EngineError: the engine failed, or no image ended for its `stall` seconds.
        ModuleNotFoundError: the engine is not installed.

    Example:
        >>> for outcome in predict_dataset(  # doctest: +SKIP
        ...     "unet:cells", glob("scans/*.png"), "results", engine=Ray(workers=4)
        ... ):
        ...     print(outcome.path, outcome.error or "done")
    """
    if isinstance(images, str | Path):
        raise TypeError(f"`images` must be a list of paths. Received: {images!r}.")
    if engine is not None and not hasattr(engine, "outcomes"):
        raise TypeError(f"`engine` must be None or a `Ray`. Received: {engine!r}.")
    _check_options(options)
    files = [Path(image) for image in images]
    names = result_names(files)
    jobs = [Job(file, name) for file, name in zip(files, names, strict=True)]
    if engine is None:
        predictor = load_model(model, **(load or {}))
        check_options(predictor, **{k: options[k] for k in ("augment", "objects") if k in options})
        return _here(predictor, jobs, Path(folder), progress, options)
    return engine.outcomes(model, jobs, Path(folder), load or {}, progress, options)


def _check_options(options: Mapping[str, Any]) -> None:
    if own := sorted({"name", "progress"} & set(options)):
        raise TypeError(f"`predict_dataset` itself gives each image its `{'`, `'.join(own)}`.")
    known = [
        name
        for name, parameter in signature(predict_to_files).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in ("name", "progress")
    ]
    for name in options:
        if name not in known:
            raise TypeError(
                f"There is no option `{name}`. Allowed: {', '.join(known)}."
                f"{did_you_mean(name, known)}"
            )


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


def _here(
    predictor: Any,
    jobs: Sequence[Job],
    folder: Path,
    progress: Callable[[int, float], None],
    options: Mapping[str, Any],
) -> Iterator[Outcome]:
    for number, job in enumerate(jobs):
        progress(number, 0.0)
        yield outcome_of(
            predictor,
            job,
            folder,
            options,
            lambda done, number=number: progress(number, done),  # type: ignore[misc]
        )
