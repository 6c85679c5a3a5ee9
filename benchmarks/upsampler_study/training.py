"""One run: one technique, one seed, the budget of all."""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import quality
from .store import Budget, Store
from .techniques import Technique

Tell = Callable[[int], None]
# Flips and quarter turns only: so short a run has no time to learn what else might come.
UNCHANGED = {"zoom": (1.0, 1.0), "contrast": 0.0, "gamma": (1.0, 1.0), "blur": 0.0, "noise": 0.0}


def train(
    technique: Technique, seed: int, budget: Budget, data: tuple[Any, Any], tell: Tell
) -> tuple[Any, dict[str, Any], dict[str, np.ndarray]]:
    """Train, and look at the network before and after.

    Args:
        technique: what the decoder is built of.
        seed: of the weights, the crops and their changes.
        budget: what every run gets.
        data: labelled images to train on, and to test on.
        tell: called with the number of steps done.

    Returns:
        The model, the run's record, and the crops to show.
    """
    import keras

    from keras_upsample.data import batches

    train_on, test_on = data
    shown = test_on.images[quality.CROP[0]]
    keras.backend.clear_session()
    gc.collect()
    keras.utils.set_random_seed(seed)
    model = technique.build(budget.filters, len(train_on.classes))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9  # 0.99 would remember the start longer than a run lasts
    energy = {"start": quality.pattern(model, shown)}
    before = quality.as_grey(quality.crop_of(quality.scores_of(model, quality.smooth(shown))))
    model.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(budget.rate, budget.steps), weight_decay=1e-4
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    crops = batches(train_on, size=budget.size, batch_size=budget.batch, seed=seed, **UNCHANGED)
    told = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: tell(batch + 1))
    start = time.process_time()
    history = model.fit(crops, steps_per_epoch=budget.steps, verbose=0, callbacks=[told])
    seconds = time.process_time() - start
    energy["trained"] = quality.pattern(model, shown)
    record = {
        **quality.accuracy(model, test_on, budget.band),
        "energy": energy,
        "loss": history.history["loss"][-1],
        "seconds": round(seconds, 1),
    }
    edge = quality.as_colours(quality.crop_of(quality.scores_of(model, shown)))
    return model, record, {"start": before, "edge": edge}


def train_missing(
    rows: list[Technique],
    seeds: range,
    store: Store,
    data: tuple[Any, Any],
    weights: Path,
    bar: Any,
) -> None:
    """Every run that the store lacks under its budget; the first seed's weights go to a folder."""
    todo = [(row, seed) for seed in seeds for row in rows if store.run(row.name, seed) is None]
    task = bar.add_task("train", total=len(todo) * store.budget.steps)
    for number, (row, seed) in enumerate(todo):
        bar.update(task, description=f"{row.name}, seed {seed}")
        done = number * store.budget.steps
        model, record, crops = train(
            row, seed, store.budget, data, lambda n, done=done: bar.update(task, completed=done + n)
        )
        if seed == seeds[0]:
            path = weights_file(weights, row, store.budget)
            path.parent.mkdir(parents=True, exist_ok=True)
            model.save_weights(path)
            store.add_crops({f"{row.name}/{what}": crop for what, crop in crops.items()})
        store.add_run(row.name, seed, record)
        bar.console.print(
            f"{row.name:<22} seed {seed}  mean IoU {record['mean_iou']:.3f}  boundary IoU "
            f"{record['boundary_iou']:.3f}  {record['seconds']:.0f} s"
        )


def weights_file(folder: Path, row: Technique, budget: Budget) -> Path:
    """Where the trained weights of a technique's first seed lie."""
    return folder / f"{row.name.replace(', ', '_')}.{budget.key}.weights.h5"
