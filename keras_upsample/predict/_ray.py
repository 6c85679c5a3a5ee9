"""Prediction of many images by Ray: on the processors of this machine, or on a cluster."""

import logging
import os
import queue
import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import EngineError, first_line
from ..files._workshop import heal
from ..runtimes._load import is_artefact
from ._dataset import Job, Outcome, outcome_of
from ._load import load_model

_MOST_BLOCKS = 1000
"""Parts of a list of images: what a worker that dies had, another one does again."""

_OWN_CLUSTER = {
    # Nothing listens beyond this machine; on Linux the only switch that reaches every part.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Who may use the cluster knows a word that lives in this process and its children. By default
    # Ray writes one to ~/.ray and leaves it there.
    "RAY_AUTH_MODE": "token",
}
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a warning about it
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}


@dataclass(frozen=True)
class Ray:
    """Ray (https://ray.io) as the engine of `predict_dataset`: `pip install "keras-upsample[ray]"`.

    Workers are processes; each loads the model once and takes one image after another. If one
    dies, another one does its image again. Nothing is sent to anybody, and no dashboard is started.

    Attributes:
        address: of a cluster, `"auto"` for the one that this machine belongs to, or `"HOST:PORT"`.
            None starts one on this machine, reachable from here alone, and stops it at the end.
            A cluster that this process is connected to already is taken, and stays.
        workers: number of worker processes. None: as many as the cluster has processors (with
            `gpus`: GPUs) for.
        cpus: processors of a worker; the model's threads are as many.
        gpus: GPUs of a worker.
        imports: names of modules that every worker imports first, for classes of your own. They
            are looked for where this process looks.
        stall: seconds in which at least one image must end.

    Raises:
        ValueError, TypeError: a bad argument.
    """

    address: str | None = None
    workers: int | None = None
    cpus: float = 1
    gpus: float = 0
    imports: tuple[str, ...] = ()
    stall: float = 900

    def __post_init__(self) -> None:
        workers = self.workers
        if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int)):
            raise TypeError(f"`workers` must be a whole number or None. Received: {workers!r}.")
        if workers is not None and workers < 1:
            raise ValueError(f"`workers` must be at least 1. Received: {workers!r}.")
        for name, least in (("cpus", "above"), ("gpus", "at least"), ("stall", "above")):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"`{name}` must be a number. Received: {value!r}.")
            if not (value >= 0 if least == "at least" else value > 0):
                raise ValueError(f"`{name}` must be {least} 0. Received: {value!r}.")

    def outcomes(
        self,
        model: Any,
        jobs: Sequence[Job],
        folder: Path,
        load: Mapping[str, Any],
        progress: Callable[[int, float], None],
        options: Mapping[str, Any],
    ) -> Iterator[Outcome]:
        """See `predict_dataset`.

        Args:
            model: name of a preset or path of a file.
            jobs: the images.
            folder: for the results.
            load: options of `load_model`.
            progress: called with the number of an image that has ended, and 1.
            options: of `predict_to_files`.
        """
        if not isinstance(model, str | Path):
            raise TypeError(
                "With an engine, `model` must be the name of a preset or the path of a file: every "
                f"worker loads it for itself. Received: {type(model).__name__}. Save the model, "
                "and pass its path."
            )
        place = str(Path(model).absolute()) if Path(model).exists() else str(model)
        check_installed()
        arguments = {
            "model": place,
            "folder": str(folder.absolute()),
            "load": dict(load),
            "imports": self.imports,
            "threads": max(1, int(self.cpus)),
            "paths": [os.path.abspath(path) for path in sys.path],
            **options,
        }
        return self._outcomes(arguments, jobs, folder, progress)

    def _outcomes(
        self,
        arguments: Mapping[str, Any],
        jobs: Sequence[Job],
        folder: Path,
        progress: Callable[[int, float], None],
    ) -> Iterator[Outcome]:
        rows = [
            {"number": n, "path": str(job.path.absolute()), "name": job.name}
            for n, job in enumerate(jobs)
        ]
        ended: set[int] = set()
        try:
            with self._connected():
                for row in self._rows(rows, arguments):
                    number = int(row["number"])
                    if number in ended:
                        continue  # Ray may do a part twice; the results were kept then.
                    ended.add(number)
                    if row["failure"]:
                        raise EngineError(f"A worker can't load the model: {row['failure']}")
                    if row["stop"]:
                        raise PermissionError(row["error"])
                    progress(number, 1.0)
                    yield Outcome(
                        jobs[number].path,
                        tuple(folder / Path(path).name for path in row["written"]),
                        tuple(folder / Path(path).name for path in row["kept"]),
                        tuple(row["notes"]),
                        str(row["error"]),
                    )
        finally:
            if folder.is_dir():
                heal(folder)  # of what a worker that died had begun
        if len(ended) != len(jobs):
            raise EngineError(
                f"Ray ended with {len(ended)} of {len(jobs)} images. Run it again: results that "
                "are complete are kept."
            )

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Connect to the cluster, or start one and stop it at the end."""
        ray = import_ray(own_cluster=self.address is None)
        if ray.is_initialized():
            yield
            return
        try:
            ray.init(
                address=self.address,
                include_dashboard=None if self.address else False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            where = f"the cluster at {self.address!r}" if self.address else "a cluster here"
            raise EngineError(f"Ray can't use {where}: {first_line(error)}") from error
        try:
            yield
        finally:
            ray.shutdown()

    def _rows(
        self, rows: list[dict[str, Any]], arguments: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        import ray
        import ray.data
        import ray.exceptions

        logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised here
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        workers = self._workers(ray.cluster_resources(), len(rows))
        mapped = ray.data.from_items(rows, override_num_blocks=min(len(rows), _MOST_BLOCKS)).map(
            _Worker,
            fn_constructor_kwargs=dict(arguments),
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=self.cpus,
            num_gpus=self.gpus or None,
        )
        try:
            yield from _watched(mapped.iter_rows, self.stall)
        except ray.exceptions.RayError as error:
            raise EngineError(f"Ray failed: {_cause(error)}") from error

    def _workers(self, resources: Mapping[str, float], images: int) -> int:
        """Their number, no more than there are images."""
        room = int(resources.get("CPU", 0) // self.cpus)
        if self.gpus:
            room = min(room, int(resources.get("GPU", 0) // self.gpus))
        if max(room, 0) < (self.workers or 1):
            each = f"{self.cpus:g} CPUs" + (f" and {self.gpus:g} GPUs" if self.gpus else "")
            there = ", ".join(f"{resources.get(kind, 0):g} {kind}s" for kind in ("CPU", "GPU"))
            raise EngineError(
                f"The cluster has {there}, not enough for {self.workers or 1} worker"
                f"{'s' * ((self.workers or 1) != 1)} of {each}, and Ray would wait for ever. Ask "
                f"for fewer workers, or for less of each."
            )
        return min(self.workers or room, images)


class ForRay:
    """What a worker does, for pipelines of your own: `dataset.map(ForRay, ...)` of `ray.data`.

    Takes a row with `path`, the image, and if you like `name`, the first part of its results'
    names. Returns the row with `written`, `kept` and `notes`, lists of text; `error`, "" or one
    line; and `stop`, whether the folder can't be written to: no other image would do better.

    Args:
        model: name of a preset or path of a file.
        folder: folder for the results.
        load: keyword arguments of `load_model`.
        imports: names of modules that are imported first, for classes of your own.
        threads: processor threads of the model.
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
        imports: Sequence[str] = (),
        threads: int = 1,
        **options: Any,
    ) -> None:
        # A worker that takes every processor slows all others. It is a new process, in which
        # TensorFlow has not been imported.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(threads))
        for name in imports:
            import_module(name)
        load = dict(load or {})
        if is_artefact(Path(model)):
            load.setdefault("threads", threads)
        self._predictor = load_model(model, **load)
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


class _Worker:
    """`ForRay`, but a model that can't be loaded is told in a row, not in pages of Ray's own."""

    def __init__(self, paths: Sequence[str], **arguments: Any) -> None:
        sys.path += [path for path in paths if path not in sys.path]
        self._failure = ""
        try:
            self._work = ForRay(**arguments)
        except Exception as error:  # a model's own code runs here
            self._failure = first_line(error)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if self._failure:
            nothing: dict[str, Any] = {"written": [], "kept": [], "notes": [], "error": ""}
            return {**row, **nothing, "stop": False, "failure": self._failure}
        return {**self._work(row), "failure": ""}


def check_installed() -> None:
    """Raise unless Ray is.

    Raises:
        ModuleNotFoundError: it says how to install it.
    """
    from importlib.util import find_spec

    if find_spec("ray") is None:
        raise ModuleNotFoundError(
            'The engine needs Ray: pip install "keras-upsample[ray]".', name="ray"
        )


def import_ray(*, own_cluster: bool) -> Any:
    """Import Ray with the variables that suit us; those that are set already stay.

    Ray reads them once, when it is imported, and its servers read them when they start. So they
    stay set for the life of this process, and if Ray is imported already, its own settings hold.

    Args:
        own_cluster: whether the cluster will be one of this machine alone.
    """
    if "ray" not in sys.modules:
        given = dict(_QUIET)
        if own_cluster:
            given |= {**_OWN_CLUSTER, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        for name, value in given.items():
            os.environ.setdefault(name, value)
    import ray

    return ray


def _watched(
    rows: Callable[[], Iterator[Mapping[str, Any]]], stall: float
) -> Iterator[Mapping[str, Any]]:
    """The rows, unless none comes for so many seconds: an engine that waits says nothing."""
    found: queue.Queue[Any] = queue.Queue()
    left = threading.Event()

    def read() -> None:
        try:
            for row in rows():
                found.put(partial(_given, row))
                if left.is_set():
                    return
        except BaseException as error:  # raised again where the rows are used
            found.put(partial(_raise, error))
        else:
            found.put(None)

    threading.Thread(target=read, daemon=True, name="rows of Ray").start()
    try:
        while True:
            try:
                item = found.get(timeout=stall)
            except queue.Empty:
                raise EngineError(
                    f"No image has ended for {stall:g} seconds. See whether the cluster's "
                    "machines are there and free, or allow more (`stall`). Results that are "
                    "complete are kept by the next run."
                ) from None
            if item is None:
                return
            yield item()
    finally:
        left.set()


def _given(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return row


def _raise(error: BaseException) -> Any:
    raise error


def _cause(error: BaseException) -> str:
    """The line that says what went wrong in a worker."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
