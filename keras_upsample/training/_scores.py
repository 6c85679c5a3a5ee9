"""What the cards report, measured on whole images."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data import LabelledImages
from ..metrics import boundary_iou, mean_iou, psnr
from ._photo_crops import enlarged_pair


def class_maps(model: Any, labelled: LabelledImages) -> list[np.ndarray]:
    """The model's class of every pixel, each image whole."""
    return [
        np.argmax(np.asarray(model(image[None], training=False))[0], axis=-1).astype("uint8")
        for image in labelled.images
    ]


def segmentation_scores(model: Any, labelled: LabelledImages) -> dict[str, float]:
    """Mean IoU over classes, each class' own IoU, and boundary IoU with a band of 2 pixels.

    Pixels of all images are counted together; images may differ in size only where the scores of
    one at a time are asked for.

    Returns:
        `mean_iou`, `boundary_iou`, and `iou <class>` for each class.
    """
    maps = class_maps(model, labelled)
    truth, guess = (
        np.concatenate([x.ravel() for x in arrays]) for arrays in (labelled.labels, maps)
    )
    scores = {
        "mean_iou": mean_iou(truth[None], guess[None], len(labelled.classes)),
        "boundary_iou": float(
            np.mean(
                [
                    boundary_iou(t, p, len(labelled.classes), width=2)
                    for t, p in zip(labelled.labels, maps, strict=True)
                ]
            )
        ),
    }
    for number, name in enumerate(labelled.classes):
        both = np.sum((truth == number) & (guess == number))
        either = np.sum((truth == number) | (guess == number))
        scores[f"iou {name}"] = float(both / either) if either else float("nan")
    return scores


def enlargement_scores(
    model: Any, photographs: Mapping[str, np.ndarray], scale: int
) -> dict[str, float]:
    """PSNR of the enlarged reductions and their gain over Pillow's bicubic, in dB.

    A border of `scale` pixels is left out, luma is that of BT.601 (`metrics.psnr`), and both
    enlargements are rounded to bytes first.

    Returns:
        For each photograph `<name> psnr_y`, `psnr_rgb`, and the gains `gain_y`, `gain_rgb`.
    """
    from PIL import Image

    scores: dict[str, float] = {}
    for name, photograph in photographs.items():
        small, large = enlarged_pair(photograph, scale)
        guess = np.asarray(model(small[None].astype("float32") / 255, training=False))[0]
        guess = np.rint(np.clip(guess, 0, 1) * 255)
        height, width = large.shape[:2]
        bicubic = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        for colour in ("y", "rgb"):
            ours, theirs = (
                psnr(large / 255, np.asarray(x) / 255, border=scale, colour=colour)
                for x in (guess, bicubic)
            )
            scores[f"{name} psnr_{colour}"] = ours
            scores[f"{name} gain_{colour}"] = ours - theirs
    return scores
