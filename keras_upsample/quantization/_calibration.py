"""Calibration data: the images from which activation ranges are computed."""

import itertools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..examples._cases import Images, _as_input, _batch_of, _noise, _sources, at_size_of
from ..examples._item import Example, takes_pictures
from ..examples._shown import FAR, GIVEN, IMAGES, PHOTOGRAPHS, RANDOM, check_scale, in_words
from ..examples._sources import MOST, as_list, examples
from ..program._input_shape import InputSpec
from ..program._signature import Signature
from ._feeds import Feeds

LEAST = 8
"""Fewer images leave ranges to chance."""
_CROPS = 16
_NOISE = 0.2  # neighbours of photographs correlate by 0.9 and more, those of noise by 0


@dataclass(frozen=True)
class Calibration:
    """What ranges are learnt from.

    Attributes:
        feeds: one an example, of fixed shapes.
        sources: input -> where its values come from, in words.
    """

    feeds: Feeds
    sources: Mapping[str, str]


def calibration_feeds(
    model: Any, signature: Signature, representative_data: Any, images: Images
) -> Feeds:
    """The feeds of `calibration`."""
    return calibration(model, signature, representative_data, images).feeds


def calibration(
    model: Any,
    signature: Signature,
    representative_data: Any,
    images: Images,
    *,
    any_values: bool = False,
) -> Calibration:
    """One feed an image, of fixed shapes.

    Args:
        model: its attribute `preset` says on what it was trained.
        signature: of sizes that may be open.
        representative_data: see `KINDS`; uint8 and uint16 images are scaled as the network takes
            them, floats and signals are taken as they are. None: the preset's training images,
            else what `images` holds if that is enough, else photographs. A `Calibration` is
            returned as it is.
        images: on what the file will be verified.
        any_values: whether random numbers will do for signals: nobody asks what the file computes.

    Raises:
        ValueError: fewer than 8 images, a wrong shape, values in another range than `images`, or
            nothing at hand that is like what the model takes.
        FetchError: the preset's data are neither cached nor to be had.
    """
    given = representative_data
    if isinstance(given, Calibration):
        return given
    source = GIVEN
    if given is None:
        signature = at_size_of(signature, images).closed()
        source, given = _default(model, signature, images, any_values)
    else:
        given = as_list(given, signature, "representative_data")
        signature = at_size_of(signature, given, "representative_data").closed()
    found = list(itertools.islice(examples(given, signature, "representative_data"), MOST))
    feeds = [_feed(example, signature) for _, example in found]
    if len(feeds) < LEAST:
        raise ValueError(
            f"`representative_data` must hold at least {LEAST} images. Received: {len(feeds)}. "
            "Pass more, typical of what the model will see."
        )
    if representative_data is not None:
        pairs = zip((example for _, example in found), feeds, strict=True)
        check_scale(pairs, signature.inputs, "representative_data")
        _check_range(feeds, signature, images)
    _warn_of_noise(feeds)
    real = {s.name for s in signature.inputs if source == GIVEN or takes_pictures(s)}
    if source == IMAGES:
        real = set(found[0][1])
    made = source not in (GIVEN, IMAGES)
    sources = {s.name: in_words(source, s, made) for s in signature.inputs if s.name in real}
    return Calibration(feeds, dict.fromkeys((s.name for s in signature.inputs), RANDOM) | sources)


def some_of(given: Any, signature: Signature) -> list[Example]:
    """As many of `representative_data` as are needed, from begin to end."""
    found = [e for _, e in examples(given, signature, "representative_data")][:MOST]
    return found[:: max(1, len(found) // LEAST)][:LEAST]


def held_out_images(model: Any) -> tuple[list[np.ndarray] | None, str]:
    """Of what a preset was trained on, a part that it did not see, and what that is in words; None
    and "" for other models."""
    from ..data import labelled_images

    data = training_set(model)
    if not data:
        return None, ""
    return list(labelled_images(data, "validation").images), f"held-out images of {data!r}"


def training_set(model: Any) -> str:
    """The labelled images that a preset was trained on, by name; "" for other models."""
    from ..data import SPLITS

    name = str(getattr(model, "preset", "")).rpartition(":")[2]
    return name if name in SPLITS else ""


def _feed(example: Example, signature: Signature) -> dict[str, np.ndarray]:
    missing = [spec.name for spec in signature.inputs if spec.name not in example]
    if missing:
        raise ValueError(
            "`representative_data` must have an array for each input, "
            f"{sorted(spec.name for spec in signature.inputs)}. Received none for {missing}. Pass "
            "dicts of arrays by input name."
        )
    return {spec.name: _fit(example[spec.name], spec) for spec in signature.inputs}


def _fit(image: np.ndarray, spec: InputSpec) -> np.ndarray:
    """Cut to the input's size where it is larger, resampled where not."""
    if not takes_pictures(spec):
        return _as_input(image, spec)
    height, width, channels = (int(n or 1) for n in spec.shape[-3:])
    if channels == 1 and image.shape[-1] == 3 and (image == image[..., :1]).all():
        image = image[..., :1]  # a grey picture in a file of colours
    if image.shape[-1] not in (1, channels):
        raise ValueError(
            f"`representative_data` must hold images (H, W, {channels}) as the input {spec.name!r} "
            f"takes them. Received: {image.shape}."
        )
    if image.shape[-3] > height and image.shape[-2] > width:
        top, left = (image.shape[-3] - height) // 2, (image.shape[-2] - width) // 2
        image = image[..., top : top + height, left : left + width, :]
    return _as_input(image, spec)


def _default(
    model: Any, signature: Signature, images: Images, any_values: bool
) -> tuple[str, list[Example]]:
    """Where they come from, and examples."""
    from ..data import labelled_images

    if data := training_set(model):
        training = labelled_images(data, "train").images
        return f"crops of the training images of {data!r}", _crops(training, signature)
    rng = np.random.default_rng(8)
    if images is not None:
        given = [
            Example({**_noise_feed(signature, rng), **example})
            for _, example in itertools.islice(_sources(images, signature), MOST)
        ]
        if len(given) >= LEAST:
            return IMAGES, given
    if any(takes_pictures(spec) for spec in signature.inputs):
        return f"crops of {PHOTOGRAPHS}", _crops(_photographs(signature), signature)
    if any_values:
        return RANDOM, [Example(_noise_feed(signature, rng)) for _ in range(LEAST)]
    shapes = ", ".join(f"{spec.name!r} {spec.shape[1:]}" for spec in signature.inputs)
    raise ValueError(
        f"`representative_data` is needed: the ranges of integers are learnt from examples, and "
        f"nothing at hand is like what this model takes, {shapes}, which are no images. Pass at "
        f"least {LEAST} arrays, typical of what it will see."
    )


def _photographs(signature: Signature) -> list[np.ndarray]:
    from ..data import PHOTOGRAPHS as names
    from ..data import photograph

    channels = next((int(s.shape[3] or 3) for s in signature.inputs if len(s.shape) == 4), 3)
    pictures = [photograph(name) for name in names]
    return [np.take(p, np.arange(channels) % 3, axis=-1) for p in pictures]


def _crops(pictures: Any, signature: Signature) -> list[Example]:
    """Whole pictures and seeded crops in turn, so that there are enough."""
    rng = np.random.default_rng(8)
    shapes = [spec.shape for spec in signature.inputs if len(spec.shape) == 4]
    height, width = (int(shapes[0][1] or 1), int(shapes[0][2] or 1)) if shapes else (1, 1)
    taking = [spec for spec in signature.inputs if takes_pictures(spec)]
    result = []
    for turn in range(max(_CROPS, len(pictures))):
        picture = np.asarray(pictures[turn % len(pictures)])
        rows, columns = picture.shape[:2]
        if turn >= len(pictures) or min(rows / height, columns / width) > 1:
            top = int(rng.integers(max(rows - height, 0) + 1))
            left = int(rng.integers(max(columns - width, 0) + 1))
            picture = picture[top : top + height, left : left + width]
        result.append(picture)
    if len(signature.inputs) == 1 and shapes:
        return [Example({taking[0].name: picture}) for picture in result]
    return [_with_noise(picture, signature, rng) for picture in result]


def _with_noise(picture: Any, signature: Signature, rng: Any) -> Example:
    noise = _noise_feed(signature, rng)
    image = {s.name: _as_input(picture, s)[0] for s in signature.inputs if takes_pictures(s)}
    return Example({**noise, **image})


def _noise_feed(signature: Signature, rng: Any) -> dict[str, np.ndarray]:
    return {spec.name: _noise(rng, spec.shape, spec)[0] for spec in signature.inputs}


def _check_range(feeds: Feeds, signature: Signature, images: Images) -> None:
    """Images in [0, 255] for a model that is verified on [0, 1] give useless ranges."""
    _, example = next(_sources(images, signature))
    for spec in signature.inputs:
        if not takes_pictures(spec) or np.dtype(spec.dtype).kind != "f":
            continue
        ours = max(float(np.abs(feed[spec.name]).max()) for feed in feeds)
        theirs = float(np.abs(_batch_of(example, spec)).max())
        if ours > FAR * theirs or FAR * ours < theirs:
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
