"""Early stopping on a score of the validation images, exact across a resumed run."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..files._workshop import replace_file

HISTORY, BEST = "validation.json", "best.keras"


def early_stopping(
    score: Callable[[Any], float], name: str, patience: int, out: Path, first: int
) -> Any:
    """A Keras callback that scores each epoch, keeps the best model and stops.

    Every epoch's score is in `out/validation.json`, and the model of the best epoch in
    `out/best.keras`; a resumed run reads both.

    Args:
        score: the model -> its validation score; larger is better.
        name: name of the score, for the logs.
        patience: epochs without a better score before the end.
        out: folder of the run.
        first: number of the first epoch. Scores in the file for this and later epochs come from a
            run that was stopped before its checkpoint, and are dropped.
    """
    import keras

    class EarlyStopping(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.scores = history(out)[:first]

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            value = score(self.model)
            if math.isnan(value):
                raise ValueError(
                    f"`early_stopping.score`: {name} is not a number on the validation images: no "
                    "pixel of that class is there. Choose another score."
                )
            self.scores.append(value)
            if logs is not None:
                logs[f"val_{name.replace(' ', '_')}"] = value
            if best_epoch(self.scores) == epoch:
                with replace_file(out / BEST) as staged:
                    self.model.save(staged)
            with replace_file(out / HISTORY) as staged:
                staged.write_text(json.dumps({"score": name, "epochs": self.scores}) + "\n")
            if has_ended(self.scores, patience):
                self.model.stop_training = True

    return EarlyStopping()


def history(out: Path) -> list[float]:
    """The scores of the epochs so far; empty where none were written."""
    path = out / HISTORY
    return list(json.loads(path.read_text())["epochs"]) if path.is_file() else []


def best_epoch(scores: list[float]) -> int:
    """The first epoch with the largest score, from 0."""
    return scores.index(max(scores))


def has_ended(scores: list[float], patience: int) -> bool:
    """Whether the last `patience` epochs brought no better score."""
    return bool(scores) and len(scores) - 1 - best_epoch(scores) >= patience
