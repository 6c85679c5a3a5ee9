"""Names of the files of a run."""

MODEL, RECIPE, SCORES = "model.keras", "recipe.yaml", "scores.json"
WEIGHTS = "weights.safetensors"
"""Of a preset: what ships in the package."""
