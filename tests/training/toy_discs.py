"""A small labelled set: bright discs on a dark ground, of odd sizes."""

from pathlib import Path

import numpy as np
from PIL import Image

from keras_upsample.data import LabelledImages

MODEL = {"name": "unet", "filters": [4, 8], "dropout": 0.2}
FAST = {"crop": 16, "batch_size": 2, "steps": 6, "steps_per_epoch": 2}


def discs(count: int, seed: int = 0, channels: int = 1) -> LabelledImages:
    """Images of `channels` channels, and masks of two classes; some pixels do not count."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for _ in range(count):
        height, width = rng.integers(21, 40, 2)
        y, x = np.mgrid[:height, :width]
        mask = ((y - height // 2) ** 2 + (x - width // 2) ** 2 < rng.integers(20, 70)).astype("u1")
        noise = rng.normal(0, 0.1, (height, width, channels))
        images.append(np.clip(0.3 + 0.4 * mask[..., None] + noise, 0, 1).astype("float32"))
        mask[0, :3] = 255
        labels.append(mask)
    names = tuple(f"disc {i}" for i in range(count))
    return LabelledImages(tuple(images), tuple(labels), ("ground", "disc"), names)


def write_folder(place: Path, labelled: LabelledImages) -> Path:
    """The set as `place/images` and `place/masks`, masks of 0 and 1 with 255 for no class."""
    for name in ("images", "masks"):
        (place / name).mkdir(parents=True)
    for number, (image, label) in enumerate(zip(labelled.images, labelled.labels, strict=True)):
        pixels = np.rint(255 * image).astype("u1")
        pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        Image.fromarray(pixels).save(place / "images" / f"{number}.png")
        Image.fromarray(label).save(place / "masks" / f"{number}.png")
    return place
