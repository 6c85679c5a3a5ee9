"""Ray as an engine: on the processors of this machine, or on a cluster."""

import logging
import os
import pickle
import queue
import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from .._installed import need
from ..errors import EngineError, first_line
from ..runtimes._load import is_artefact

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

    def place_of(self, model: Any) -> str:
        """The name of a preset, or the whole path of a file, as every worker can load it.

        Raises:
            TypeError: it is a model that is loaded already.
        """
        if not isinstance(model, str | Path):
            raise TypeError(
                "With an engine, `model` must be the name of a preset or the path of a file: every "
                f"worker loads it for itself. Received: {type(model).__name__}. Save the model, "
                "and pass its path."
            )
        return str(Path(model).absolute()) if Path(model).exists() else str(model)

    def load_options(self, model: str | Path, load: Mapping[str, Any]) -> dict[str, Any]:
        """Options of `load_model` for a worker: of a file, as many threads as it has processors."""
        threads = {"threads": self.threads} if is_artefact(Path(model)) else {}
        return {**threads, **load}

    @property
    def threads(self) -> int:
        """Processor threads of a worker's model."""
        return max(1, int(self.cpus))

    def run(
        self,
        work: Callable[..., Callable[[Mapping[str, Any]], dict[str, Any]]],
        arguments: Mapping[str, Any],
        plan: Callable[[int], Sequence[Mapping[str, Any]]],
    ) -> Iterator[dict[str, Any]]:
        """Give rows to workers.

        Args:
            work: a class; every worker makes one object of it and calls it with row after row.
            arguments: keyword arguments of the class.
            plan: number of workers -> the rows.

        Yields:
            What the object returned for each row, as soon as it has, in any order.

        Raises:
            EngineError: no worker could make its object, or see `predict_dataset`.
            ModuleNotFoundError: Ray is not installed.
        """
        check_installed()
        with self._connected() as ray:
            workers = self._workers(ray.cluster_resources())
            rows = plan(workers)
            ended: set[int] = set()
            for row in self._rows(work, arguments, rows, min(workers, len(rows))):
                if row["failure"]:
                    raise EngineError(f"A worker can't load the model: {row['failure']}")
                if row["number"] not in ended:  # Ray may do a part twice
                    ended.add(row["number"])
                    yield pickle.loads(row["row"])
        if len(ended) != len(rows):
            raise EngineError(
                f"Ray ended with {len(ended)} of {len(rows)} parts. Run it again: results that "
                "are complete are kept."
            )

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """Connect to the cluster, or start one and stop it at the end."""
        ray = import_ray(own_cluster=self.address is None)
        if ray.is_initialized():
            yield ray
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
            yield ray
        finally:
            ray.shutdown()

    def _rows(
        self,
        work: Any,
        arguments: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        workers: int,
    ) -> Iterator[Mapping[str, Any]]:
        import ray.data
        import ray.exceptions

        if not rows:
            return
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised here
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        # As bytes, for a table of Ray has columns of one type each.
        packed = [{"number": n, "row": pickle.dumps(row)} for n, row in enumerate(rows)]
        mapped = ray.data.from_items(packed, override_num_blocks=min(len(rows), _MOST_BLOCKS)).map(
            _Worker,
            fn_constructor_kwargs={
                "work": work,
                "arguments": dict(arguments),
                "imports": self.imports,
                "paths": [os.path.abspath(path) for path in sys.path],
                "threads": self.threads,
            },
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=self.cpus,
            num_gpus=self.gpus or None,
        )
        try:
            yield from _watched(mapped.iter_rows, self.stall)
        except ray.exceptions.RayError as error:
            raise EngineError(f"Ray failed: {_cause(error)}") from error

    def _workers(self, resources: Mapping[str, float]) -> int:
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
        return self.workers or room


class _Worker:
    """The work's object in a process of its own; what fails when it is made is told in rows."""

    def __init__(
        self,
        work: Callable[..., Callable[[Mapping[str, Any]], dict[str, Any]]],
        arguments: Mapping[str, Any],
        imports: Sequence[str],
        paths: Sequence[str],
        threads: int,
    ) -> None:
        # A worker that takes every processor slows all others. It is a new process, in which
        # TensorFlow has not been imported.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(threads))
        sys.path += [path for path in paths if path not in sys.path]
        self._failure = ""
        try:
            for name in imports:
                import_module(name)
            self._work = work(**arguments)
        except Exception as error:  # a model's own code runs here
            self._failure = first_line(error)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if self._failure:
            return {"number": row["number"], "row": "", "failure": self._failure}
        given = pickle.loads(row["row"])
        return {
            "number": row["number"],
            "row": pickle.dumps(self._work(given)),
            "failure": "",
        }


def check_installed() -> None:
    """Raise unless Ray is.

    Raises:
        ModuleNotFoundError: it says how to install it.
    """
    need("ray", "The engine needs Ray.", "keras-upsample[ray]")


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
                found.put((row, None))
                if left.is_set():
                    return
        except BaseException as error:  # raised again where the rows are used
            found.put((None, error))
        else:
            found.put((None, None))

    threading.Thread(target=read, daemon=True, name="rows of Ray").start()
    try:
        while True:
            try:
                row, error = found.get(timeout=stall)
            except queue.Empty:
                raise EngineError(
                    f"No image has ended for {stall:g} seconds. See whether the cluster's "
                    "machines are there and free, or allow more (`stall`). Results that are "
                    "complete are kept by the next run."
                ) from None
            if error is not None:
                raise error
            if row is None:
                return
            yield row
    finally:
        left.set()


def _cause(error: BaseException) -> str:
    """The line that says what went wrong in a worker."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
