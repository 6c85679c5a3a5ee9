"""`model.fit` by steps, with a checkpoint from which a run continues as if it had not stopped."""

import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..files._durable import naming
from ..files._workshop import replace_file

CHECKPOINT = "checkpoint.keras"
_MARK = ".keras_upsample"
_OWN_LOGS = re.compile(
    re.escape(_MARK) + r"|epochs\.csv|(train|validation)/events\.out\.tfevents\..*"
)


def fit(
    build: Callable[[], Any],
    stream: Callable[[int], Any],
    out: Path,
    *,
    steps: int,
    steps_per_epoch: int = 100,
    seed: int = 0,
    resume: bool = False,
    stop_after: int | None = None,
    callbacks: Callable[[int], Sequence[Any] | None] | None = None,
    verbose: int = 1,
) -> Any:
    """Train a compiled model for a number of steps; write checkpoints and TensorBoard logs.

    After every epoch `out/checkpoint.keras` holds the model and its optimizer, written under
    another name and renamed. With `resume` the run continues from there, bit for bit like a run
    that was not stopped: the same batches, learning rates, dropped units and weights.

    Args:
        build: function that makes the compiled model of a fresh run.
        stream: number of the first batch -> dataset; batch n must depend on n alone.
        out: folder of the run.
        steps: number of steps of the whole run; a multiple of `steps_per_epoch`.
        steps_per_epoch: steps between checkpoints.
        seed: seed of the layers' random numbers (dropout).
        resume: continue from the checkpoint, which must exist.
        stop_after: stop after this number of steps in all; for tests of `resume`.
        callbacks: number of the first epoch -> Keras callbacks. They run before the checkpoint is
            written, and their additions to `logs` are logged. None: the run has already ended.
        verbose: as for `model.fit`: 1 shows a progress bar, 0 nothing.

    Returns:
        The trained model.

    Raises:
        ValueError: `steps` is no multiple of `steps_per_epoch`.
        FileExistsError: a checkpoint, or something in `out/logs` that no run wrote, is there and
            `resume` is False.
        FileNotFoundError: none is there and `resume` is True.
    """
    import keras

    if steps < 1 or steps % steps_per_epoch:
        raise ValueError(
            f"`steps` must be a multiple of steps_per_epoch={steps_per_epoch}, from 1 up. "
            f"Received: {steps!r}."
        )
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / CHECKPOINT
    if resume:
        if not checkpoint.is_file():
            raise FileNotFoundError(f"There is no {checkpoint} to resume. Leave out --resume.")
        from .. import _registered  # noqa: F401  a fresh process knows none of our classes

        model = keras.models.load_model(checkpoint)
    elif checkpoint.exists():
        raise FileExistsError(
            f"{checkpoint} is there already. Pass --resume to go on, or delete the folder."
        )
    else:
        _clear_logs(out / "logs")
        model = build()
    # Not `int` alone: under a distribution strategy the number is a variable of every replica.
    done = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
    end = steps if stop_after is None else min(steps, stop_after)
    if done >= end:
        return model
    first = done // steps_per_epoch
    own = [] if callbacks is None else callbacks(first)
    if own is None:
        return model
    model.fit(
        stream(done),
        initial_epoch=first,
        epochs=end // steps_per_epoch,
        steps_per_epoch=steps_per_epoch,
        callbacks=[_seeding(seed), *own, _saving(checkpoint), *_logging(out / "logs")],
        verbose=verbose,
    )
    return model


def _seeding(seed: int) -> Any:
    """Reseeds the layers' random numbers every epoch, by its number: Keras does not save states."""
    import keras

    class Seeding(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            generators = [v for v in self.model.variables if "seed_generator" in v.path]
            for number, state in enumerate(generators):
                state.assign([seed * len(generators) + number, epoch << 16])

    return Seeding()


def _saving(checkpoint: Path) -> Any:
    """Saves the model after each epoch, whole or not at all."""
    import keras

    class Saving(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            with replace_file(checkpoint) as staged:
                self.model.save(staged)

    return Saving()


def _clear_logs(folder: Path) -> None:
    """Remove the logs that a run without a checkpoint left, and nothing else.

    Raises:
        FileExistsError: something is there that no run wrote.
    """
    files = [file for file in sorted(folder.rglob("*")) if not file.is_dir()]
    marked = (folder / _MARK).is_file()
    for file in files:
        if not marked or not _OWN_LOGS.fullmatch(file.relative_to(folder).as_posix()):
            raise FileExistsError(
                f"{file} is there, which no run of this recipe wrote, and the logs of the new run "
                "would go there. Choose another folder, or move it away."
            )
    for file in files:
        file.unlink()


def _logging(folder: Path) -> list[Any]:
    """TensorBoard's logs where it is installed, and a table of the epochs in any case."""
    import keras

    folder.mkdir(exist_ok=True)
    (folder / _MARK).touch()
    path = folder / "epochs.csv"

    class Table(keras.callbacks.CSVLogger):
        """Errors of the disk name it."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            with naming(path):
                super().on_epoch_end(epoch, logs)

        def on_train_end(self, logs: Any = None) -> None:
            with naming(path):
                super().on_train_end(logs)

    table = Table(str(path), append=True)
    if find_spec("tensorboard") is None:
        return [table]
    return [table, keras.callbacks.TensorBoard(str(folder), write_graph=False)]
