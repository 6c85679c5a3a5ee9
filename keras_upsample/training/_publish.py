"""The runs of a recipe -> the weights in the package and the results behind its card."""

import json
import shutil
from pathlib import Path
from typing import Any

from ._names import RESULT, WEIGHTS


def publish(recipe: Any, base: Path) -> str:
    """Take the seed with the best validation score; its test score plays no part in that.

    Args:
        recipe: the recipe.
        base: folder of its runs, seed0, seed1, ...

    Returns:
        What was written.

    Raises:
        FileNotFoundError: there are no finished runs.
    """
    from ..zoo import preset_named
    from ..zoo._weight_source import SHIPPED

    runs = [json.loads(path.read_text()) for path in sorted(base.glob(f"seed*/{RESULT}"))]
    if not runs:
        raise FileNotFoundError(f"There is no finished run in {base}. Train one first.")
    preset = preset_named(recipe.preset)
    chosen = max(runs, key=lambda one: one["validation"][_score(recipe)])
    source = base / f"seed{chosen['seed']}" / WEIGHTS
    SHIPPED.mkdir(exist_ok=True)
    shutil.copyfile(source, SHIPPED / f"{preset.folder}.npz")
    results = {
        "preset": recipe.preset,
        "score": recipe.score,
        "bar": recipe.bar,
        "shipped_seed": chosen["seed"],
        "file_bytes": source.stat().st_size,
        "runs": runs,
    }
    card = Path("zoo") / preset.folder / "results.json"
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(json.dumps(results, indent=2) + "\n")
    scores = ", ".join(f"{one['test'][recipe.score]:.4f}" for one in runs)
    return (
        f"{recipe.preset}: seed {chosen['seed']} of {len(runs)} by validation "
        f"{chosen['validation'][_score(recipe)]:.4f}; test {recipe.score}: {scores}; {card}"
    )


def _score(recipe: Any) -> str:
    """The score that validation has under the same meaning on other images."""
    return "mean gain_y" if recipe.score.endswith("gain_y") else recipe.score
