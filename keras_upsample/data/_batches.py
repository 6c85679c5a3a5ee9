"""Endless, seeded batches of augmented crops."""

from collections.abc import Callable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from ._labelled import LabelledImages


def batches(
    labelled: LabelledImages,
    *,
    size: int,
    batch_size: int = 8,
    seed: int = 0,
    start: int = 0,
    augment: bool = True,
    zoom: tuple[float, float] = (0.8, 1.25),
    rotation: float = 0.0,
    contrast: float = 0.2,
    gamma: tuple[float, float] = (0.7, 1.4),
    blur: float = 0.25,
    noise: float = 0.03,
    function: Callable[[Any, Any, Any], tuple[Any, Any]] | None = None,
) -> Any:
    """An endless `tf.data.Dataset` of random crops; batch n depends on `seed` and n alone.

        seed 5:  b0 b1 b2 b3 ...        seed 5, start 2:  b2 b3 ...

    Each crop is taken at a random place of a random image. An image is continued by reflection
    where a crop is larger, or where zoom or rotation reach beyond its border. Images and class
    numbers get the same geometric changes: flips and quarter turns, which copy pixels; zoom and
    rotation, bilinear for images and nearest for class numbers. Images alone also change their
    contrast, gamma (x -> x^g) and sharpness, and get noise.

    Args:
        labelled: labelled images, as from `labelled_images` or `folder`.
        size: rows and columns of a crop in pixels.
        batch_size: crops in a batch.
        seed: seed of the crops' places and of all changes.
        start: number of the first batch: a training run that ends after n steps continues with n.
        augment: False for plain crops, whatever the arguments below.
        zoom: smallest and largest factor, from 0.5 up; above 1 things get larger.
        rotation: largest rotation either way, as a share of a full turn; 0.5 for any angle.
        contrast: largest relative change of the differences from the mean.
        gamma: smallest and largest exponent; each channel has its own.
        blur: share of the crops that are blurred, with a sigma of up to 0.8 pixels.
        noise: largest standard deviation of the noise; images are in [0, 1].
        function: your own augmentation, applied last: a function of `(images, labels, seed)` that
            returns images and labels of the same shapes. `images` and `labels` are tensors of a
            batch; `seed` is an int64 (2,) for `tf.random.stateless_uniform` and similar functions,
            whose random numbers are then the same in every run.

    Returns:
        Dataset of (images, labels): float32 (batch_size, size, size, C) in [0, 1], int32
        (batch_size, size, size).

    Raises:
        ValueError: a wrong argument; `function` returns other shapes.
    """
    for what, value, least in (
        ("size", size, 1),
        ("batch_size", batch_size, 1),
        ("seed", seed, 0),
        ("start", start, 0),
    ):
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or not least <= value < 2**32:
            raise ValueError(
                f"`{what}` must be a whole number from {least} to 2**32 - 1. Received: {value!r}."
            )
    check_changes(
        {
            "zoom": zoom,
            "rotation": rotation,
            "contrast": contrast,
            "gamma": gamma,
            "blur": blur,
            "noise": noise,
        }
    )
    if not len(labelled):
        raise ValueError("`labelled` holds no image.")
    import tensorflow as tf

    from ._augment import augmentation, extent

    side = extent(size, zoom, rotation) if augment else size
    channels = labelled.images[0].shape[-1]

    def windows() -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        step = start
        while True:
            yield step, *_windows(labelled, size, side, batch_size, augment, (seed, step))
            step += 1

    signature = (
        tf.TensorSpec((), "int64"),
        tf.TensorSpec((batch_size, side, side, channels), "float32"),
        tf.TensorSpec((batch_size, side, side), "uint8"),
    )
    dataset = tf.data.Dataset.from_generator(windows, output_signature=signature)
    if augment:
        change = augmentation(
            seed,
            size=size,
            zoom=(float(zoom[0]), float(zoom[1])),
            rotation=rotation,
            contrast=contrast,
            gamma=(float(gamma[0]), float(gamma[1])),
            blur=blur,
            noise=noise,
        )
    else:

        def change(step: Any, x: Any, y: Any) -> tuple[Any, Any]:
            return x, tf.cast(y, "int32")

    def changed(step: Any, x: Any, y: Any) -> tuple[Any, Any]:
        x, y = change(step, x, y)
        if function is None:
            return x, y
        # Steps count from 0 up: a negative number is a seed that nothing else draws from.
        return _same_shapes(function, x, y, function(x, y, tf.stack([seed, -1 - step])))

    return dataset.map(changed).prefetch(2)


def check_changes(given: Mapping[str, Any]) -> None:
    """Check what `batches` takes under these names.

    Raises:
        ValueError: a wrong value.
    """
    for what, least in (("zoom", 0.5), ("gamma", 0.01)):
        if what in given:
            _check_pair(what, given[what], least)
    for what, most in (("rotation", 0.5), ("contrast", 1), ("blur", 1), ("noise", 1)):
        share = given.get(what, 0)
        if not isinstance(share, Real) or not 0 <= float(share) <= most:
            raise ValueError(f"`{what}` must be in [0, {most}]. Received: {share!r}.")


def _same_shapes(function: Any, x: Any, y: Any, changed: Any) -> tuple[Any, Any]:
    """The results of a user's function, with the shapes and dtypes that training needs."""
    import tensorflow as tf

    name = getattr(function, "__name__", "function")
    if not isinstance(changed, tuple | list) or len(changed) != 2:
        raise ValueError(f"`function`: {name} must give (images, labels). Received: {changed!r}.")
    images, labels = tf.cast(changed[0], x.dtype), tf.cast(changed[1], y.dtype)
    if not images.shape.is_compatible_with(x.shape) or not labels.shape.is_compatible_with(y.shape):
        raise ValueError(
            f"`function`: {name} must keep the shapes {tuple(x.shape)} and {tuple(y.shape)}. "
            f"Received: {tuple(images.shape)} and {tuple(labels.shape)}."
        )
    return tf.ensure_shape(images, x.shape), tf.ensure_shape(labels, y.shape)


def _check_pair(what: str, pair: tuple[float, float], least: float) -> None:
    fine = isinstance(pair, tuple | list) and len(pair) == 2
    if not fine or not all(isinstance(x, Real) for x in pair) or not least <= pair[0] <= pair[1]:
        raise ValueError(
            f"`{what}` must be (smallest, largest), from {least} up. Received: {pair!r}."
        )


def _windows(
    labelled: LabelledImages, size: int, side: int, count: int, turn: bool, seed: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """`count` crops of `size` from anywhere, with what is around them: squares of `side`.

    Keras' `RandomCrop` takes all of a batch from the same place, and images of one size.

    With `turn`, half of them have rows and columns exchanged, which with Keras' flips gives the
    quarter turns: `RandomRotation` turns by any angle of a range and so blurs every image.
    """
    rng = np.random.default_rng(seed)
    x, y = [], []
    for i in rng.integers(len(labelled), size=count):
        image, label = labelled.images[i], labelled.labels[i]
        rows, columns = (_axis(n, size, side, rng) for n in label.shape)
        exchange = rng.random() < 0.5 and turn
        window, classes = image[rows][:, columns], label[rows][:, columns]
        x.append(window.swapaxes(0, 1) if exchange else window)
        y.append(classes.T if exchange else classes)
    return np.stack(x), np.stack(y)


def _axis(length: int, size: int, side: int, rng: np.random.Generator) -> Any:
    """Positions of `side` pixels along an axis, of which the middle `size` lie in the image.

    4 pixels, continued: ... 1 0 | 0 1 2 3 | 3 2 ...
    """
    start = rng.integers(min(0, length - size), max(0, length - size) + 1) - (side - size) // 2
    if start >= 0 and start + side <= length:
        return slice(start, start + side)
    place = np.arange(start, start + side) % (2 * length)
    return np.minimum(place, 2 * length - 1 - place)
