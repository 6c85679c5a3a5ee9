"""Takes the best seed of a preset into the package, and writes the results behind its card.

keras-upsample train unet:nuclei --seed 0 --out build/zoo/unet_nuclei/seed0   # then 1 and 2
python zoo/publish.py unet:nuclei
python zoo/make_preset_cards.py unet_nuclei
"""

import argparse
import json
import re
import shutil
from pathlib import Path
from typing import Any

from keras_upsample.training import Recipe, recipe_named
from keras_upsample.training._names import SCORES, WEIGHTS
from keras_upsample.zoo import PRESETS, _weight_source, preset_named

# The scores of a card, among those of a run.
_ON_CARD = re.compile(r"mean_iou|boundary_iou|iou .*|mean gain_y|(?!mean ).* (psnr|gain)_(y|rgb)")


def publish(recipe: Recipe, base: Path, zoo: Path) -> str:
    """Take the seed with the best validation score; its test score plays no part in that.

    Args:
        recipe: the preset's.
        base: folder of its runs, seed0, seed1, ...
        zoo: folder with the folders of the presets.

    Returns:
        What was written.

    Raises:
        FileNotFoundError: there are no finished runs.
        ValueError: a run is of another preset.
    """
    runs = [run_of(path, recipe) for path in sorted(base.glob(f"seed*/{SCORES}"))]
    if not runs:
        raise FileNotFoundError(f"There is no finished run in {base}. Train one first.")
    card, preset = recipe.card, preset_named(str(recipe.preset))
    if card is None:
        raise ValueError(f"The recipe of {preset.name} has no `card`.")
    by = "mean gain_y" if card.score.endswith("gain_y") else card.score
    chosen = max(runs, key=lambda one: one["validation"][by])
    source = base / f"seed{chosen['seed']}" / WEIGHTS
    _weight_source.SHIPPED.mkdir(exist_ok=True)
    shutil.copyfile(source, _weight_source.SHIPPED / source.with_stem(preset.folder).name)
    results = {
        "preset": preset.name,
        "score": card.score,
        "bar": card.bar,
        "shipped_seed": chosen["seed"],
        "file_bytes": source.stat().st_size,
        "runs": runs,
    }
    file = zoo / preset.folder / "results.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=2) + "\n")
    scores = ", ".join(f"{one['test'][card.score]:.4f}" for one in runs)
    return (
        f"{preset.name}: seed {chosen['seed']} of {len(runs)} by validation "
        f"{chosen['validation'][by]:.4f}; test {card.score}: {scores}; {file}"
    )


def run_of(path: Path, recipe: Recipe) -> dict[str, Any]:
    """What `results.json` keeps of one run."""
    found = json.loads(path.read_text())
    if found["preset"] != recipe.preset:
        raise ValueError(f"{path} is of {found['preset']}, not of {recipe.preset}.")
    return {
        **{name: found[name] for name in ("preset", "seed", "steps", "seconds", "parameters")},
        **{part: on_card(found[part]["scores"]) for part in ("validation", "test")},
    }


def on_card(scores: dict[str, float]) -> dict[str, float]:
    """The scores that a card reports."""
    return {name: value for name, value in scores.items() if _ON_CARD.fullmatch(name)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", choices=tuple(PRESETS))
    parser.add_argument("--runs", type=Path, help="folder of the runs (build/zoo/PRESET)")
    options = parser.parse_args()
    base = options.runs or Path("build") / "zoo" / options.preset.replace(":", "_")
    print(publish(recipe_named(options.preset), base, Path(__file__).parent))


if __name__ == "__main__":
    main()
