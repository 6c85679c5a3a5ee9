"""The recipe of a segmentation preset."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..data import LabelledImages


@dataclasses.dataclass(frozen=True)
class Segmentation:
    """How a preset of class maps is trained and judged.

    Attributes:
        preset: `model:weights`, of `keras_upsample.zoo.PRESETS`.
        train: data set and split to train on, or a function that gives the images.
        validation: data set and split that chooses among seeds.
        test: data set and split of the scores in the card.
        steps: of training.
        score: the one of `segmentation_scores` that the card puts first.
        bar: what it should reach.
        size: pixels of a crop's side.
        batch_size: crops in a step.
        learning_rate: of AdamW at its height; it falls to 0 as a half cosine.
        weight_decay: of AdamW.
        label_smoothing: of the cross-entropy.
        augmentation: further arguments of `data.batches`.
        trained: the layers that train and ship, by the beginnings of their names; None for all.
            The others keep the preset's backbone.
        prepare: changes the fresh network before training, in place.
    """

    preset: str
    train: "tuple[str, str] | Callable[[], LabelledImages]"
    validation: tuple[str, str]
    test: tuple[str, str]
    steps: int
    score: str
    bar: float
    size: int = 128
    batch_size: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    label_smoothing: float = 0.0
    augmentation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    trained: tuple[str, ...] | None = None
    prepare: Callable[[Any], None] | None = None

    def network(self, own: "LabelledImages | None" = None) -> Any:
        """A fresh network, for the preset's classes or for those of `own` data."""
        from ..zoo import _pretrained, preset_named

        preset = preset_named(self.preset)
        arguments = dict(preset.arguments)
        if own is not None:
            channels = own.images[0].shape[-1]
            arguments |= {"input_shape": (None, None, channels), "classes": len(own.classes)}
        return _pretrained.build_untrained(preset, arguments, self.trained)

    def build(self, own: "LabelledImages | None" = None) -> Any:
        """A fresh network, compiled."""
        import keras

        from ..data._labelled import IGNORED
        from ..losses import CrossEntropyAndDice

        model = self.network(own)
        if self.prepare is not None:
            self.prepare(model)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, self.steps, warmup_target=self.learning_rate, warmup_steps=min(50, self.steps // 4)
        )
        classes = model.output_shape[-1]
        model.compile(
            keras.optimizers.AdamW(schedule, weight_decay=self.weight_decay, clipnorm=1.0),
            CrossEntropyAndDice(self.label_smoothing),
            metrics=[
                keras.metrics.MeanIoU(
                    classes, ignore_class=IGNORED, sparse_y_pred=False, name="mean_iou"
                )
            ],
            jit_compile=False,
        )
        return model

    def stream(self, seed: int, start: int, own: "LabelledImages | None" = None) -> Any:
        """The batches of a run, from number `start`."""
        from .. import data

        return data.batches(
            own or (self.train() if callable(self.train) else data.labelled_images(*self.train)),
            size=self.size,
            batch_size=self.batch_size,
            seed=seed,
            start=start,
            **self.augmentation,
        )

    def scores(self, model: Any, part: str) -> dict[str, float]:
        """Of `part`, "validation" or "test"."""
        from ..data import labelled_images
        from ._scores import segmentation_scores

        return segmentation_scores(model, labelled_images(*getattr(self, part)))
