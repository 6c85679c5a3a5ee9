"""Images from which the ranges of quantised activations are learnt."""

import itertools
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ._images import Images, _as_input, _noise, _sources
from ._input_shape import InputSpec
from ._signature import Signature

LEAST = 8
"""Fewer images leave ranges to chance."""
MOST = 256
_CROPS = 16
_NOISE = 0.2  # neighbours of photographs correlate by 0.9 and more, those of noise by 0

Feeds = list[dict[str, np.ndarray]]


def calibration_feeds(
    model: Any, signature: Signature, representative_data: Any, images: Images
) -> Feeds:
    """One feed an image, of the signature's fixed shapes.

    Args:
        model: its attribute `preset` says on what it was trained.
        signature: of fixed sizes.
        representative_data: an array `(N, H, W, C)`, a folder, or anything that yields images
            `(H, W, C)`, files, or for several inputs dicts of arrays by name. None: the preset's
            training images, else what `images` holds if that is enough, else photographs.
        images: on what the file will be verified.

    Raises:
        ValueError: fewer than 8 images, a wrong shape, or values in another range than `images`.
        FetchError: the preset's data are neither cached nor to be had.
    """
    given = representative_data
    if given is None:
        given = _default(model, signature, images)
    feeds = [_feed(item, signature) for item in _items(given)]
    if len(feeds) < LEAST:
        raise ValueError(
            f"`representative_data` must hold at least {LEAST} images. Received: {len(feeds)}. "
            "Pass more, typical of what the model will see."
        )
    if representative_data is not None:
        _check_range(feeds, signature, images)
    _warn_of_noise(feeds)
    return feeds


def strengthened(feeds: Feeds, gain: float) -> Feeds:
    """The feeds, and for a gain above 1 the same once more, multiplied by it; not integers."""
    if gain == 1:
        return feeds
    strong = [
        {name: x * x.dtype.type(gain) if x.dtype.kind == "f" else x for name, x in feed.items()}
        for feed in feeds
    ]
    return [*feeds, *strong]


def held_out_images(model: Any) -> list[np.ndarray] | None:
    """Of what a preset was trained on, a part that it did not see; None for other models."""
    from ..data import SPLITS, labelled_images

    data = _data_of(model)
    return list(labelled_images(data, "validation").images) if data in SPLITS else None


def _data_of(model: Any) -> str:
    return str(getattr(model, "preset", "")).rpartition(":")[2]


def _items(given: Any) -> list[Any]:
    if isinstance(given, str | Path | np.ndarray):
        return [image for _, image in itertools.islice(_sources(given), MOST)]
    if callable(given):
        given = given()
    if not isinstance(given, Iterable):
        raise ValueError(
            "`representative_data` must be an array (N, H, W, C), a folder, or yield images. "
            f"Received: {type(given).__name__}."
        )
    items = list(itertools.islice(given, MOST))
    if items and all(isinstance(item, Mapping) for item in items):
        return items
    return [image for _, image in _sources(items)] if items else []


def _feed(item: Any, signature: Signature) -> dict[str, np.ndarray]:
    if isinstance(item, Mapping):
        missing = {spec.name for spec in signature.inputs} ^ set(item)
        if missing:
            raise ValueError(
                "`representative_data` must have an array for each input, "
                f"{sorted(spec.name for spec in signature.inputs)}. Received: {sorted(item)}."
            )
        return {spec.name: _fitted(np.asarray(item[spec.name]), spec) for spec in signature.inputs}
    return {spec.name: _fitted(item, spec) for spec in signature.inputs}


def _fitted(image: np.ndarray, spec: InputSpec) -> np.ndarray:
    """Cut to the input's size where it is larger, resampled where not."""
    if len(spec.shape) != 4:
        if image.shape != spec.shape[1:]:
            raise ValueError(
                f"`representative_data` for {spec.name!r} must have the shape {spec.shape[1:]}. "
                f"Received: {image.shape}. Pass dicts of arrays by input name."
            )
        return np.repeat(image[None].astype(spec.dtype), int(spec.shape[0] or 1), axis=0)
    _, height, width, channels = (int(n or 1) for n in spec.shape)
    if image.ndim != 3 or image.shape[-1] != channels:
        raise ValueError(
            f"`representative_data` must hold images (H, W, {channels}) as the input {spec.name!r} "
            f"takes them. Received: {image.shape}."
        )
    if image.shape[0] > height and image.shape[1] > width:
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        image = image[top : top + height, left : left + width]
    return _as_input(image, spec)


def _default(model: Any, signature: Signature, images: Images) -> list[Any]:
    from ..data import SPLITS, labelled_images

    trained_on = _data_of(model)
    if trained_on in SPLITS:
        return _crops(labelled_images(trained_on, "train").images, signature)
    if images is not None:
        given = [image for _, image in _sources(images)]
        if len(given) >= LEAST:
            return given
    return _crops(_photographs(signature), signature)


def _photographs(signature: Signature) -> list[np.ndarray]:
    from ..data import PHOTOGRAPHS, photograph

    channels = next((int(s.shape[3] or 3) for s in signature.inputs if len(s.shape) == 4), 3)
    pictures = [photograph(name) for name in PHOTOGRAPHS]
    return [np.take(p, np.arange(channels) % 3, axis=-1) for p in pictures]


def _crops(pictures: Any, signature: Signature) -> list[Any]:
    """Whole pictures and seeded crops in turn, so that there are enough."""
    rng = np.random.default_rng(8)
    shapes = [spec.shape for spec in signature.inputs if len(spec.shape) == 4]
    height, width = (int(shapes[0][1] or 1), int(shapes[0][2] or 1)) if shapes else (1, 1)
    result = []
    for turn in range(max(_CROPS, len(pictures))):
        picture = np.asarray(pictures[turn % len(pictures)])
        rows, columns = picture.shape[:2]
        if turn >= len(pictures) or min(rows / height, columns / width) > 1:
            top = int(rng.integers(max(rows - height, 0) + 1))
            left = int(rng.integers(max(columns - width, 0) + 1))
            picture = picture[top : top + height, left : left + width]
        result.append(picture)
    volumes = any(len(spec.shape) == 5 for spec in signature.inputs)
    if not shapes and not volumes:
        return [_noise_feed(signature, rng) for _ in range(LEAST)]
    several = len(signature.inputs) > 1 or volumes
    return [_by_name(picture, signature, rng) for picture in result] if several else result


def _by_name(picture: Any, signature: Signature, rng: Any) -> dict[str, np.ndarray]:
    noise = _noise_feed(signature, rng)
    image = {s.name: _as_input(picture, s)[0] for s in signature.inputs if len(s.shape) in (4, 5)}
    return {**noise, **image}


def _noise_feed(signature: Signature, rng: Any) -> dict[str, np.ndarray]:
    return {spec.name: _noise(rng, spec.shape, spec)[0] for spec in signature.inputs}


def _check_range(feeds: Feeds, signature: Signature, images: Images) -> None:
    """Images in [0, 255] for a model that is verified on [0, 1] give useless ranges."""
    _, shown = next(_sources(images))
    for spec in signature.inputs:
        if len(spec.shape) != 4 or np.dtype(spec.dtype).kind != "f":
            continue
        ours = max(float(np.abs(feed[spec.name]).max()) for feed in feeds)
        theirs = float(np.abs(_as_input(shown, spec)).max())
        if not np.isfinite(ours) or ours > 16 * theirs or 16 * ours < theirs:
            raise ValueError(
                f"`representative_data` reaches {ours:.4g} and the images on which the file is "
                f"verified reach {theirs:.4g}. Scale both as the model was trained, and pass the "
                "latter as `images` if they are not in [0, 1]."
            )


def _warn_of_noise(feeds: Feeds) -> None:
    shares = [_correlation(v) for feed in feeds for v in feed.values() if v.ndim == 4]
    if shares and float(np.median(shares)) < _NOISE:
        warnings.warn(
            "`representative_data` looks like noise: neighbouring pixels have nothing in common. "
            "Ranges learnt from it do not suit photographs. Pass real images.",
            UserWarning,
            stacklevel=2,
        )


def _correlation(batch: np.ndarray) -> float:
    """Of horizontal neighbours; 1 for a constant image or one of a single column."""
    image = batch.astype("float64")
    left, right = image[:, :, :-1], image[:, :, 1:]
    if left.size == 0 or left.std() == 0 or right.std() == 0:
        return 1.0
    return float(
        np.mean((left - left.mean()) * (right - right.mean())) / (left.std() * right.std())
    )
