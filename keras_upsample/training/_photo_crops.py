"""Photographs -> pairs of a small crop and the large one it was made from."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


def enlarged_pair(photograph: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """A photograph and its reduction by a whole factor, the usual task of super-resolution.

    The photograph is cropped to a multiple of `scale` and reduced by Pillow's antialiased bicubic
    (MATLAB's `imresize`, up to rounding). Both are uint8, as in files.

    Args:
        photograph: uint8 (H, W, 3).
        scale: from 2 up.

    Returns:
        small (H/s, W/s, 3) and large (H, W, 3), uint8.
    """
    from PIL import Image

    height, width = (n - n % scale for n in photograph.shape[:2])
    large = np.ascontiguousarray(photograph[:height, :width])
    reduced = Image.fromarray(large).resize(
        (width // scale, height // scale), Image.Resampling.BICUBIC
    )
    return np.asarray(reduced), large


def enlargement_batches(
    photographs: Sequence[np.ndarray],
    *,
    scale: int,
    size: int,
    batch_size: int = 16,
    seed: int = 0,
    start: int = 0,
) -> Any:
    """An endless `tf.data.Dataset` of pairs of crops; batch n depends on `seed` and n alone.

    The probability of a photograph grows with its area. It is used at full size or reduced to 3/4
    or 1/2 (which makes coarse detail fine), and the pair is rotated and mirrored in one of 8 ways.

    Args:
        photographs: uint8 (H, W, 3).
        scale: from 2 up.
        size: rows and columns of the small crops in pixels.
        batch_size: pairs in a batch.
        seed: seed of the places, sizes and rotations.
        start: number of the first batch.

    Returns:
        Dataset of (small, large): float32 in [0, 1], (batch_size, size, size, 3) and
        (batch_size, scale * size, scale * size, 3).

    Raises:
        ValueError: no photograph is large enough for a crop.
    """
    import tensorflow as tf

    pairs = [
        enlarged_pair(reduced, scale)
        for photograph in photographs
        for reduced in _octave(photograph)
        if min(reduced.shape[:2]) >= scale * size
    ]
    if not pairs:
        raise ValueError(
            f"`photographs` must hold one of at least {scale * size} pixels a side. Received: "
            f"{len(photographs)} smaller ones."
        )
    areas = np.array([small.shape[0] * small.shape[1] for small, _ in pairs], "float64")

    def crops() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        step = start
        while True:
            rng = np.random.default_rng((seed, step))
            chosen = rng.choice(len(pairs), batch_size, p=areas / areas.sum())
            both = [_crop(pairs[i][0], pairs[i][1], scale, size, rng) for i in chosen]
            small, large = (
                np.stack(side).astype("float32") / 255 for side in zip(*both, strict=True)
            )
            yield small, large
            step += 1

    shapes = [(batch_size, n, n, 3) for n in (size, scale * size)]
    signature = tuple(tf.TensorSpec(shape, "float32") for shape in shapes)
    return tf.data.Dataset.from_generator(crops, output_signature=signature).prefetch(4)


def _octave(photograph: np.ndarray) -> Iterator[np.ndarray]:
    from PIL import Image

    yield photograph
    picture = Image.fromarray(photograph)
    for share in (0.75, 0.5):
        size = (round(picture.width * share), round(picture.height * share))
        yield np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def _crop(
    small: np.ndarray, large: np.ndarray, scale: int, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    top, left = (int(rng.integers(n - size + 1)) for n in small.shape[:2])
    a = small[top : top + size, left : left + size]
    b = large[scale * top :, scale * left :][: scale * size, : scale * size]
    turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
    a, b = (np.rot90(side, turns) for side in (a, b))
    return (a[:, ::-1], b[:, ::-1]) if mirrored else (a, b)
