"""The results file: written whole after every run, so that an interrupted study goes on."""

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Budget:
    """What every run gets, whatever the technique.

    Attributes:
        steps: of the optimizer.
        batch: crops a step.
        size: rows and columns of a crop.
        rate: AdamW's first learning rate; it falls to 0 along a cosine.
        filters: channels of the U-Net's stages, finest first.
        band: width of the boundary band in pixels.
        train, test: frames of `cells`.
    """

    steps: int = 200
    batch: int = 4
    size: int = 96
    rate: float = 0.01
    filters: tuple[int, ...] = (8, 16, 32, 64)
    band: int = 2
    train: tuple[int, ...] = field(default_factory=lambda: _frames("train"))
    test: tuple[int, ...] = field(default_factory=lambda: _frames("test"))

    @property
    def key(self) -> str:
        """Eight hexadecimal digits that change with any figure."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


class Store:
    """`upsamplers.json`, and beside it the crops that the pictures are made of.

    Args:
        path: of the JSON; crops go to the same name with `.npz`.
        budget: runs under another budget count as missing.
    """

    def __init__(self, path: Path, budget: Budget) -> None:
        self.path, self.budget = path, budget
        self.content: dict[str, Any] = {"runs": {}, "costs": {}, "files": {}, "latency": {}}
        if path.exists():
            self.content.update(json.loads(path.read_text(encoding="utf-8")))
        self.content["budget"] = {**asdict(budget), "key": budget.key}

    def run(self, technique: str, seed: int) -> dict[str, Any] | None:
        """The record of a run under this budget."""
        found = self.content["runs"].get(f"{technique}/{seed}")
        return found if found and found["budget"] == self.budget.key else None

    def runs(self, technique: str) -> list[dict[str, Any]]:
        """All records of a technique under this budget, by seed."""
        seeds = sorted(int(key.rpartition("/")[2]) for key in self.content["runs"])
        found = [self.run(technique, seed) for seed in dict.fromkeys(seeds)]
        return [record for record in found if record is not None]

    def add_run(self, technique: str, seed: int, record: dict[str, Any]) -> None:
        """Keep a run, on disk at once."""
        self.content["runs"][f"{technique}/{seed}"] = {**record, "budget": self.budget.key}
        self.save()

    def crops(self) -> dict[str, np.ndarray]:
        """Name -> picture."""
        path = self.path.with_suffix(".npz")
        if not path.exists():
            return {}
        with np.load(path) as file:
            return dict(file)

    def add_crops(self, new: dict[str, np.ndarray]) -> None:
        """Keep pictures, on disk at once."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **(self.crops() | new))  # type: ignore[arg-type]
        _replace(self.path.with_suffix(".npz"), buffer.getvalue())

    def save(self) -> None:
        """Write the JSON beside itself, then rename it."""
        text = json.dumps(self.content, indent=1, sort_keys=True) + "\n"
        _replace(self.path, text.encode())


def _frames(split: str) -> tuple[int, ...]:
    from keras_upsample.data import SPLITS

    return SPLITS["cells"][split]


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_bytes(content)
    os.replace(staged, path)
