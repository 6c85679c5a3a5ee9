"""A recipe -> a trained model with its metadata, recipe and scores."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._text import json_text, printable
from ..errors import did_you_mean
from ..files._workshop import held_alone
from ._images import Images, images_of
from ._names import MODEL, RECIPE, SCORES, WEIGHTS
from ._recipe import Recipe


@dataclasses.dataclass(frozen=True)
class TrainedModel:
    """The result of `train`.

    Attributes:
        model: the trained Keras model, with its metadata; not compiled.
        path: its file, `out/model.keras`.
        scores: "validation" and "test" -> `Evaluation`, if the recipe has such images.
        epochs: epochs that were trained; fewer than the recipe's after early stopping.
        best_epoch: the epoch whose weights the model has, from 1; the last without early stopping.
    """

    model: Any
    path: Path
    scores: Mapping[str, Any]
    epochs: int
    best_epoch: int

    def __str__(self) -> str:
        lines = [f"{part}\n{scores}" for part, scores in self.scores.items()]
        if self.best_epoch != self.epochs:
            lines.append(f"epoch {self.best_epoch} of {self.epochs} was the best")
        return "\n\n".join([*lines, f"model: {self.path}"])


def train(
    recipe: Recipe,
    out: str | Path,
    *,
    data: Mapping[str, Images] | None = None,
    resume: bool = False,
    stop_after: int | None = None,
    devices: str | Sequence[str] | None = None,
    verbose: int = 1,
) -> TrainedModel:
    """Train the model of a recipe.

    Writes `model.keras` (with `keras_upsample.metadata`), `recipe.yaml` and `scores.json` into
    `out`. During training it writes `checkpoint.keras` and `logs/` (`epochs.csv`, and TensorBoard's
    logs if TensorBoard is installed), with early stopping `best.keras` and `validation.json`, and
    for a preset `weights.safetensors`. A run that was stopped continues with `resume` and gives the
    same bits.

    Args:
        recipe: the model, the data and the settings of the training.
        out: folder of the run; made if it is not there.
        data: images in memory in place of the recipe's sources, as a dict: "train", and if wanted
            "validation" and "test" -> `data.LabelledImages`; for super-resolution -> a dict of name
            to uint8 (H, W, 3). The written recipe can't repeat such a run. The metadata hold the
            normalization of the recipe's sources, or full_range without any.
        resume: continue from the checkpoint in `out`, which must exist and be of the same recipe.
        stop_after: stop after so many steps in all, a multiple of `steps_per_epoch`, as if the run
            had been interrupted there; scores and `model.keras` are those of that step.
        devices: `"all"` GPUs, or names such as `["GPU:0", "GPU:1"]`: each takes a part of every
            batch. None: Keras' own choice of one. A run is resumed on as many as it began on.
        verbose: 1 shows a progress bar, 2 a line an epoch, 0 nothing.

    Returns:
        The model and its scores.

    Raises:
        ValueError: the recipe does not fit the data, or is not that of the run to resume.
        FileExistsError: `out` holds a run already and `resume` is False.
        FileNotFoundError: there is no run to resume.
        FetchError: a labelled set can't be fetched.
        BlockingIOError: another process trains in `out`.

    Example:
        >>> recipe = Recipe.from_yaml("recipe.yaml")  # doctest: +SKIP
        >>> train(recipe, "run").scores["validation"].scores["mean_iou"]  # doctest: +SKIP
        0.83
    """
    import keras

    from ._distribution import device_names, distributed
    from ._fit import CHECKPOINT

    out = Path(out)
    if data is not None:
        recipe = _of_other_images(recipe, len(data.get("train", ())))
    _check_folder(recipe, out, resume)
    images = dict(data) if data is not None else images_of(recipe.data)
    _check_images(recipe, images)
    device_names(devices, recipe.batch_size or 1)  # bad ones are told before anything is written
    out.mkdir(parents=True, exist_ok=True)
    with held_alone(out, "train", f"`out` {str(out)!r} is being trained in"):
        start = time.perf_counter()
        _write_beside(out / RECIPE, _recipe_text(recipe, data))
        with distributed(devices, recipe.batch_size or 1):
            model = _fitted(recipe, images, out, resume, stop_after, verbose)
        if devices is not None:
            model = keras.models.load_model(out / CHECKPOINT)  # the same, on one device
        seconds = time.perf_counter() - start
        epochs = _epochs(recipe, model)
        model, best = _best(recipe, model, epochs, out)
        final = _final_model(recipe, model, images["train"], out)
        scores: dict[str, Any] = {
            part: _evaluate(recipe, final, images[part])
            for part in ("validation", "test")
            if part in images
        }
        result = TrainedModel(final, out / MODEL, scores, epochs, best)
        facts = _facts(recipe, images, result, round(seconds))
        _write_beside(out / SCORES, json_text(facts) + "\n")
        return result


def _fitted(
    recipe: Recipe,
    images: Mapping[str, Images],
    out: Path,
    resume: bool,
    stop_after: int | None,
    verbose: int,
) -> Any:
    """The compiled model after its last step."""
    import keras

    from ._fit import fit
    from ._network import batches, compiled

    keras.utils.set_random_seed(recipe.seed)
    return fit(
        lambda: compiled(recipe, images["train"]),
        lambda first: batches(recipe, images["train"], first),
        out,
        steps=recipe.steps or 0,
        steps_per_epoch=_steps_of_an_epoch(recipe),
        seed=recipe.seed,
        resume=resume,
        stop_after=stop_after,
        callbacks=lambda first: _stopping(recipe, images, out, first),
        verbose=verbose,
    )


def _stopping(
    recipe: Recipe, images: Mapping[str, Images], out: Path, first: int
) -> list[Any] | None:
    """The callback of early stopping, if the recipe has it; None if it has already stopped."""
    from ._early_stopping import early_stopping, has_ended, history

    if recipe.early_stopping is None:
        return []
    name, patience = recipe.early_stopping.score, recipe.early_stopping.patience
    if has_ended(history(out)[:first], patience):
        return None

    def score(model: Any) -> float:
        return _validation_score(recipe, model, images["validation"])

    return [early_stopping(score, name, patience, out, first)]


def _best(recipe: Recipe, model: Any, epochs: int, out: Path) -> tuple[Any, int]:
    """The model of the best epoch, and its number from 1; the last without early stopping."""
    import keras

    from ._early_stopping import BEST, best_epoch, history

    if recipe.early_stopping is None:
        return model, epochs
    best = best_epoch(history(out)[:epochs]) + 1
    return (model if best == epochs else keras.models.load_model(out / BEST)), best


def _epochs(recipe: Recipe, model: Any) -> int:
    """Epochs that a model was trained for, by its optimizer."""
    import keras

    steps = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
    return steps // _steps_of_an_epoch(recipe)


def _steps_of_an_epoch(recipe: Recipe) -> int:
    return recipe.steps_per_epoch or 1


def _facts(
    recipe: Recipe, images: Mapping[str, Images], result: TrainedModel, seconds: int
) -> dict[str, Any]:
    """What `scores.json` says of a run."""
    return {
        "preset": recipe.preset,
        "model": recipe.model["name"],
        "seed": recipe.seed,
        "steps": result.epochs * _steps_of_an_epoch(recipe),
        "best_epoch": result.best_epoch,
        "seconds": seconds,
        "parameters": result.model.count_params(),
        "versions": _versions(),
        "images": {part: _names(found) for part, found in images.items()},
        **{part: found.to_dict() for part, found in result.scores.items()},
    }


def _check_folder(recipe: Recipe, out: Path, resume: bool) -> None:
    """Refuse to mix two runs in one folder."""
    from ._fit import CHECKPOINT

    if str(out.absolute()).encode("utf-8", "replace").decode() != str(out.absolute()):
        raise ValueError(
            f"`out` must be a path in UTF-8: TensorFlow writes logs there. Received: {str(out)!r}."
        )
    if out.exists() and not out.is_dir():
        raise ValueError(f"`out` must be a folder. Received the file {str(out)!r}.")
    kept = out / RECIPE
    if resume:
        if not (out / CHECKPOINT).is_file():
            raise FileNotFoundError(
                f"There is no {printable(out / CHECKPOINT)} to resume. Leave out --resume "
                "(resume=True)."
            )
        if kept.is_file():
            _check_same(Recipe.from_yaml(kept, trust=True).to_dict(), recipe.to_dict(), kept)
        return
    for name in (CHECKPOINT, MODEL, SCORES, WEIGHTS):
        if (out / name).exists():
            raise FileExistsError(
                f"{printable(out / name)} is there already. Pass --resume (resume=True) to go on "
                "with the run, or choose another folder."
            )
    if kept.is_file() and not kept.read_text(encoding="utf-8").startswith(_HEAD):
        raise FileExistsError(
            f"{kept} is there and would be replaced. Choose another folder for the run."
        )


def _of_other_images(recipe: Recipe, count: int) -> Recipe:
    """The recipe for images in memory, without the description of a preset's data."""
    if recipe.preset is not None:
        recipe = dataclasses.replace(
            recipe, preset=None, card=None, description="", licence="", training_data=""
        )
    words = recipe.training_data or f"{count} images in memory"
    return dataclasses.replace(recipe, training_data=words)


def _check_same(kept: dict[str, Any], given: dict[str, Any], path: Path) -> None:
    for key in dict.fromkeys([*kept, *given]):
        if kept.get(key) != given.get(key):
            raise ValueError(
                f"`{key}`: the run in {path.parent} has {kept.get(key)!r}, and to go on exactly it "
                f"must stay. Received: {given.get(key)!r}. Leave the data and options out: "
                f"keras-upsample train --resume --out {path.parent}."
            )


def _check_images(recipe: Recipe, images: Mapping[str, Images]) -> None:
    if "train" not in images:
        raise ValueError("`data` must hold images to train on, `train`.")
    if recipe.early_stopping is None:
        return
    if "validation" not in images:
        raise ValueError(
            "`early_stopping` needs validation images: name sources or a fraction "
            "(`data.validation`, `data.validation_fraction`)."
        )
    allowed = _score_names(recipe, images["validation"])
    name = recipe.early_stopping.score
    if name not in allowed:
        raise ValueError(
            f"`early_stopping.score` must be one of {', '.join(allowed)}. Received: {name!r}."
            f"{did_you_mean(name, allowed)}"
        )


def _score_names(recipe: Recipe, images: Images) -> tuple[str, ...]:
    if isinstance(images, Mapping):
        return ("mean gain_y", "mean gain_rgb")
    kinds = ("iou", "precision", "recall", "f1")
    return ("mean_iou", "boundary_iou", *(f"{kind} {c}" for kind in kinds for c in images.classes))


def _validation_score(recipe: Recipe, model: Any, images: Images) -> float:
    name = recipe.early_stopping.score if recipe.early_stopping else ""
    return float(_evaluate(recipe, model, images, bootstrap=0).scores[name])


def _evaluate(recipe: Recipe, model: Any, images: Images, bootstrap: int = 1000) -> Any:
    from ._evaluate import evaluate

    task = "binary_segmentation" if model.output_shape[-1] == 1 else recipe.task
    return evaluate(model, images, task=task, bootstrap=bootstrap)


def _final_model(recipe: Recipe, model: Any, images: Images, out: Path) -> Any:
    """The network with the trained weights, without optimizer, written to `model.keras`.

    Of a preset the weights are those of the half-precision file, as its users load them.
    """
    from .._publish import publish
    from ._network import describe, network

    final = network(recipe, images)
    if recipe.preset is None:
        final.set_weights(model.get_weights())
    else:
        _through_weight_file(recipe.preset, model, final, out / WEIGHTS)
    describe(final, recipe, images)
    with publish(out / MODEL) as staged:
        final.save(staged)
    return final


def _through_weight_file(name: str, model: Any, final: Any, path: Path) -> None:
    from ..zoo import _pretrained, preset_named
    from ..zoo._weight_file import read_weights, write_weights

    preset = preset_named(name)
    write_weights(_pretrained.shipped_weights(model, preset), path)
    _pretrained.load_arrays(final, preset, read_weights(path))


_HEAD = "# The recipe of this run, written by keras_upsample"


def _recipe_text(recipe: Recipe, data: Mapping[str, Images] | None) -> str:
    from .._version import __version__

    note = "" if data is None else "# The images were handed over in memory (`data`).\n"
    return f"{_HEAD} {__version__}.\n{note}{recipe.to_yaml()}"


def _write_beside(path: Path, text: str) -> None:
    from .._publish import publish

    with publish(path) as staged:
        staged.write_text(text, encoding="utf-8")


def _names(images: Images) -> list[str]:
    return list(images) if isinstance(images, Mapping) else list(images.names)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    from .._version import __version__

    return {
        "keras_upsample": __version__,
        "keras": version("keras"),
        "tensorflow": version("tensorflow"),
    }
