"""The options of `keras-upsample predict` on the engine that runs it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..predict import Ray

_ENGINES = ("ray",)


@dataclass(frozen=True)
class EngineChoice:
    """Options for many images at once: on all processors of this machine, or on a cluster."""

    engine: Annotated[
        str | None,
        typer.Option(
            help="ray: many images at once, by workers here or on a cluster. Needs Ray. Default: "
            "one after the other, in this process.",
            metavar="NAME",
        ),
    ] = None
    address: Annotated[
        str | None,
        typer.Option(
            help="Of the cluster, of --engine: auto or HOST:PORT. Default: this machine alone."
        ),
    ] = None
    workers: Annotated[
        int | None, typer.Option(help="Of --engine. Default: as many as there is room for.")
    ] = None
    cpus_per_worker: Annotated[
        float | None, typer.Option(help="Processors of each worker, of --engine. Default: 1.")
    ] = None
    gpus_per_worker: Annotated[
        float | None, typer.Option(help="GPUs of each worker, of --engine. Default: 0.")
    ] = None

    def chosen(self, imports: "tuple[str, ...]") -> "Ray | None":
        """The engine, or None for this process.

        Args:
            imports: modules that the workers import first.

        Raises:
            UserError: an option of an engine is given without one, or there is no such engine.
            ModuleNotFoundError: the engine is not installed.
            ValueError: a value is not allowed.
        """
        from ..errors import did_you_mean
        from .models import UserError

        given: dict[str, Any] = {
            "address": self.address,
            "workers": self.workers,
            "cpus": self.cpus_per_worker,
            "gpus": self.gpus_per_worker,
        }
        given = {name: value for name, value in given.items() if value is not None}
        if self.engine is None:
            if given:
                name = next(iter(given))
                option = f"{name}-per-worker" if name in ("cpus", "gpus") else name
                raise UserError(f"--{option} is for --engine. Add --engine ray.")
            return None
        if self.engine not in _ENGINES:
            raise UserError(
                f"--engine must be {' or '.join(_ENGINES)}. Received: {self.engine!r}."
                f"{did_you_mean(self.engine, _ENGINES)}"
            )
        from ..predict import Ray
        from ..predict._ray import check_installed

        check_installed()
        return Ray(imports=imports, **given)
