"""The recipe of a super-resolution preset."""

import dataclasses
from functools import cache
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Enlargement:
    """How a preset that enlarges photographs is trained and judged.

    Attributes:
        preset: `model:weights`, of `keras_upsample.zoo.PRESETS`.
        train: photographs to train on.
        validation: the photographs that choose among seeds.
        test: the photographs of the scores in the card.
        steps: of training.
        score: the one of `enlargement_scores` that the card puts first.
        bar: what it should reach, in dB.
        size: pixels of a small crop's side.
        batch_size: crops in a step.
        learning_rate: of Adam at its height; it falls to 0 as a half cosine.
    """

    preset: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    steps: int
    score: str
    bar: float
    size: int = 32
    batch_size: int = 16
    learning_rate: float = 2e-3

    @property
    def scale(self) -> int:
        """The preset's factor."""
        from ..zoo import preset_named

        return int(preset_named(self.preset).arguments["scale"])

    def network(self, own: Any = None) -> Any:
        """A fresh network."""
        from ..zoo import _pretrained, preset_named

        preset = preset_named(self.preset)
        return _pretrained.build_untrained(preset, dict(preset.arguments), None)

    def build(self, own: Any = None) -> Any:
        """A fresh network, compiled: mean absolute error, which blurs less than the mean square."""
        import keras

        model = self.network()
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, self.steps, warmup_target=self.learning_rate, warmup_steps=min(50, self.steps // 4)
        )
        model.compile(
            keras.optimizers.Adam(schedule, clipnorm=1.0), "mean_absolute_error", jit_compile=False
        )
        return model

    def stream(self, seed: int, start: int, own: Any = None) -> Any:
        """The batches of a run, from number `start`."""
        from ._photo_crops import enlargement_batches

        return enlargement_batches(
            _photographs(self.train),
            scale=self.scale,
            size=self.size,
            batch_size=self.batch_size,
            seed=seed,
            start=start,
        )

    def scores(self, model: Any, part: str) -> dict[str, float]:
        """Of `part`, "validation" or "test"."""
        from ._scores import enlargement_scores

        names = getattr(self, part)
        pictures = dict(zip(names, _photographs(names), strict=True))
        scores = enlargement_scores(model, pictures, self.scale)
        gains = [value for name, value in scores.items() if name.endswith("gain_y")]
        return {"mean gain_y": float(np.mean(gains)), **scores}


@cache
def _photographs(names: tuple[str, ...]) -> list[np.ndarray]:
    from ..data import photograph

    return [photograph(name) for name in names]
