"""Names of the files of a run."""

RESULT, WEIGHTS = "result.json", "weights.npz"
