"""`predict_dataset`: many image files, one after the other here, or at once by an engine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from ..errors import did_you_mean
from ..files._workshop import heal
from ._files import check_options, predict_to_files
from ._load import load_model
from ._outcomes import ForRay, Job, Outcome, outcome_of
from ._ray import Ray
from ._result_names import result_names

_OWN = {"name", "progress", "engine", "load"}


def predict_dataset(
    model: Any,
    images: Sequence[str | Path],
    folder: str | Path,
    *,
    engine: Ray | None = None,
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
        engine: None to predict in this process, image by image, or a `Ray`: its workers take one
            image after another, and bands of the image if there is one alone.
        load: keyword arguments of `load_model`, if `model` is to be loaded here.
        progress: called with the number of an image and the share of it that is done, 0 to 1; an
            engine calls it with 1 alone, unless there is one image, of which it has bands.
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
    if engine is not None and not isinstance(engine, Ray):
        raise TypeError(f"`engine` must be None or a `Ray`. Received: {engine!r}.")
    _check_options(options)
    files = [Path(image) for image in images]
    names = result_names(files)
    jobs = [Job(file, name) for file, name in zip(files, names, strict=True)]
    if engine is None:
        predictor = load_model(model, **(load or {}))
        check_options(predictor, **{k: options[k] for k in ("augment", "objects") if k in options})
        return _here(predictor, jobs, Path(folder), progress, options)
    engine.place_of(model)
    if len(jobs) == 1:
        return _in_bands(engine, model, load or {}, jobs[0], Path(folder), progress, options)
    return _by_engine(engine, model, load or {}, jobs, Path(folder), progress, options)


def _check_options(options: Mapping[str, Any]) -> None:
    if own := sorted(_OWN & set(options)):
        raise TypeError(f"`predict_dataset` itself gives each image its `{'`, `'.join(own)}`.")
    known = [
        name
        for name, parameter in signature(predict_to_files).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in _OWN
    ]
    for name in options:
        if name not in known:
            raise TypeError(
                f"There is no option `{name}`. Allowed: {', '.join(known)}."
                f"{did_you_mean(name, known)}"
            )


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


def _in_bands(
    engine: Ray,
    model: Any,
    load: Mapping[str, Any],
    job: Job,
    folder: Path,
    progress: Callable[[int, float], None],
    options: Mapping[str, Any],
) -> Iterator[Outcome]:
    more = {**options, "engine": engine, "load": load}
    yield outcome_of(model, job, folder, more, lambda done: progress(0, done))


def _by_engine(
    engine: Ray,
    model: Any,
    load: Mapping[str, Any],
    jobs: Sequence[Job],
    folder: Path,
    progress: Callable[[int, float], None],
    options: Mapping[str, Any],
) -> Iterator[Outcome]:
    arguments = {
        "model": engine.place_of(model),
        "folder": str(folder.absolute()),
        "load": engine.load_options(model, load),
        **options,
    }
    rows = [
        {"number": n, "path": str(job.path.absolute()), "name": job.name}
        for n, job in enumerate(jobs)
    ]
    try:
        for row in engine.run(ForRay, arguments, lambda workers: rows):
            if row["stop"]:
                raise PermissionError(row["error"])
            progress(row["number"], 1.0)
            written, kept = (
                tuple(folder / Path(path).name for path in row[kind])
                for kind in ("written", "kept")
            )
            path = jobs[row["number"]].path
            yield Outcome(path, written, kept, tuple(row["notes"]), row["error"])
    finally:
        if folder.is_dir():
            heal(folder)  # of what a worker that died had begun
