"""Test-time augmentation: the mean of a network's outputs for a rotated and mirrored image."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import did_you_mean
from ._predictor import Predictor

_Change = Callable[[np.ndarray], np.ndarray]

_CHANGES: Mapping[str, tuple[_Change, _Change]] = {
    "flip_horizontal": (lambda x: x[:, ::-1], lambda x: x[:, ::-1]),
    "flip_vertical": (lambda x: x[::-1], lambda x: x[::-1]),
    "rotate_90": (np.rot90, lambda x: np.rot90(x, -1)),
    "rotate_180": (lambda x: x[::-1, ::-1], lambda x: x[::-1, ::-1]),
    "rotate_270": (lambda x: np.rot90(x, -1), np.rot90),
    "transpose": (lambda x: x.swapaxes(0, 1), lambda x: x.swapaxes(0, 1)),
    "transverse": (
        lambda x: x[::-1, ::-1].swapaxes(0, 1),
        lambda x: x[::-1, ::-1].swapaxes(0, 1),
    ),
}
"""Name -> change of an image (H, W, C), and its inverse."""

AUGMENTATIONS = tuple(_CHANGES)

_SWAPS = ("rotate_90", "rotate_270", "transpose", "transverse")
"""They make a W x H image of an H x W one."""


def checked_augmentations(predictor: Predictor, names: Any) -> tuple[str, ...]:
    """Check the names of augmentations, and return them.

    Raises:
        ValueError: a name is unknown or is given twice; the model's outputs have no mean; or its
            fixed input size does not allow the rotation.
    """
    allowed = f"Allowed: {', '.join(AUGMENTATIONS)}."
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ValueError(
            f"`augment` must be a sequence of names, e.g. ('flip_horizontal',). Received: "
            f"{names!r}. {allowed}"
        )
    for name in names:
        if name not in AUGMENTATIONS:
            hint = did_you_mean(name, AUGMENTATIONS)
            raise ValueError(f"`augment`: {name!r} is unknown. {allowed}{hint}")
    if len(set(names)) < len(names):
        raise ValueError(f"`augment` holds a name twice. Received: {tuple(names)!r}.")
    if not names:
        return ()
    network = predictor.network
    if network.volume:
        raise ValueError(f"`augment` is for images; {network.name!r} takes volumes. Leave it out.")
    if not predictor.blends:
        raise ValueError(
            f"`augment`: {network.name!r} gives class numbers, which have no mean. Leave it out, "
            "or use a model that gives probabilities."
        )
    height, width = network.size
    swaps = [name for name in names if name in _SWAPS]
    if swaps and height != width:
        raise ValueError(
            f"`augment`: {network.name!r} takes {height or 'any'}x{width or 'any'} pixels, and "
            f"{swaps[0]!r} swaps height and width. Take only flips and 'rotate_180'."
        )
    return tuple(names)


def augmented(predictor: Predictor, names: Sequence[str]) -> tuple[_Change, _Change]:
    """Functions with augmentation to use in place of `predictor.run` and `predictor.finish`.

    With changes g₁ … gₙ, and f the network with its softmax or sigmoid,

        p(x) = (f(x) + Σᵢ gᵢ⁻¹(f(gᵢ(x)))) / (n + 1)

    Args:
        predictor: the model.
        names: names of the changes, as `checked_augmentations` returns them.

    Returns:
        A function (H, W, C) -> (H·r, W·r, K) for scaled tiles, and a function that converts its
        output to values to blend.
    """
    if not names:
        return predictor.run, predictor.finish

    def run(image: np.ndarray) -> np.ndarray:
        result = predictor.finish(predictor.run(image))
        for name in names:
            change, undo = _CHANGES[name]
            result += undo(predictor.finish(predictor.run(change(image))))
        result /= np.float32(len(names) + 1)
        return result

    return run, np.copy
