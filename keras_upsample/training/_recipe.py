"""The command line of the recipes in the repository's `zoo/`: train a seed, publish the best."""

import argparse
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._enlargement import Enlargement
    from ._segmentation import Segmentation

from ._names import RESULT, WEIGHTS


def run(recipe: "Segmentation | Enlargement", description: str) -> None:
    """Parse the command line of a recipe and do what it says.

    Args:
        recipe: what to train.
        description: the recipe's docstring.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights and crops (0)")
    parser.add_argument("--out", type=Path, help="folder of the run (build/zoo/PRESET/seedN)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in it")
    parser.add_argument("--steps", type=int, help=f"in place of {recipe.steps}")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="train on your own images, with --masks DIR"
    )
    parser.add_argument(
        "--masks",
        type=Path,
        metavar="DIR",
        help="of class numbers, matched by file name or as a well-known data set names them",
    )
    parser.add_argument(
        "--publish",
        action="store_true",
        help="train nothing: take the seed with the best validation score into the package, and "
        "write results.json",
    )
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow leaves oneDNN off on CPUs without AVX-512; with it a step of a U-Net takes a third
    # of the time there too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    base = Path("build") / "zoo" / recipe.preset.replace(":", "_")
    from .._cli.quiet import quiet

    with quiet() as console:
        try:
            if options.publish:
                from ._publish import publish

                print(publish(recipe, options.out or base))
            else:
                print(train(recipe, options, options.out or base / f"seed{options.seed}"))
        except (ValueError, OSError) as error:
            console.print(f"{error}", style="red", markup=False, highlight=False, soft_wrap=True)
            raise SystemExit(2) from error


def train(recipe: Any, options: argparse.Namespace, out: Path) -> str:
    """One seed: train, write the weights, read them back, score that.

    With data of the user's own there is no score but the training's, and `model.keras` is what
    remains.
    """
    import dataclasses

    import keras

    from ._fit import CHECKPOINT, fit

    if options.steps is not None:
        recipe = dataclasses.replace(recipe, steps=options.steps)
    if not options.resume and not (out / CHECKPOINT).exists():
        for name in ("model.keras", WEIGHTS, RESULT):
            if (out / name).exists():
                raise FileExistsError(
                    f"{out / name} is there and would be replaced. Choose another folder (--out), "
                    "or move it away."
                )
    own = _own_data(options)
    keras.utils.set_random_seed(options.seed)
    start = time.perf_counter()
    model = fit(
        lambda: recipe.build(own),
        lambda first: recipe.stream(options.seed, first, own),
        out,
        steps=recipe.steps,
        steps_per_epoch=min(100, recipe.steps),
        seed=options.seed,
        resume=options.resume,
    )
    seconds = time.perf_counter() - start
    if own is not None:
        model.save(out / "model.keras")
        return f"written: {out / 'model.keras'}"
    result = {
        "preset": recipe.preset,
        "seed": options.seed,
        "steps": recipe.steps,
        "seconds": round(seconds),
        "parameters": model.count_params(),
    }
    # The scores are those of the half-precision file, as users load it.
    stored = restore(recipe, model, out / WEIGHTS)
    result["validation"] = recipe.scores(stored, "validation")
    result["test"] = recipe.scores(stored, "test")
    (out / RESULT).write_text(json.dumps(result, indent=2) + "\n")
    return json.dumps(result, indent=2)


def restore(recipe: Any, model: Any, path: Path) -> Any:
    """Write a model's weights, and a fresh network with what the file gives back."""
    from ..zoo import _pretrained, preset_named
    from ..zoo._weight_file import read_weights, write_weights

    preset = preset_named(recipe.preset)
    write_weights(_pretrained.shipped_weights(model, preset), path)
    fresh = recipe.network()
    _pretrained.load_arrays(fresh, preset, read_weights(path))
    return fresh


def _own_data(options: argparse.Namespace) -> Any:
    if (options.images is None) != (options.masks is None):
        raise ValueError("--images and --masks go together: one folder of each.")
    if options.images is None:
        return None
    from ..data import folder

    own = folder(options.images, options.masks)
    if own.pairing:
        print(own.pairing)
    return own
