"""Presets of keras-hub, which may be installed or not."""

import os
from importlib.util import find_spec
from typing import Any

from keras_upsample.errors import FetchError, first_line
from keras_upsample.metadata import Scaling

WEIGHTS = (None, "preset")


def is_preset(name: str) -> bool:
    """Whether keras-hub may know a preset of this name: a handle, a folder, or one of its own."""
    if "://" in name or os.path.isfile(os.path.join(name, "config.json")):
        return True
    if find_spec("keras_hub") is None:
        return False
    import keras_hub

    return name in keras_hub.models.Backbone.presets


def check_preset_weights(weights: Any) -> None:
    """Raises unless `weights` is None or "preset"."""
    if weights not in WEIGHTS:
        raise ValueError(
            "`encoder_weights` of a preset of keras-hub must be None (random) or 'preset'. "
            f"Received: {weights!r}."
        )


def backbone(name: str, weights: str | None) -> tuple[Any, Scaling | None]:
    """The backbone of a preset, and how its image converter scales a picture.

    Raises:
        FetchError: it can't be fetched, or is no backbone.
        ValueError: keras-hub is not installed.
    """
    if find_spec("keras_hub") is None:
        raise ValueError(
            f"`encoder`: {name!r} is a preset of keras-hub, which is not installed. Install it "
            "with `pip install keras-hub`."
        )
    import keras_hub

    try:
        model = keras_hub.models.Backbone.from_preset(name, load_weights=weights is not None)
    except Exception as error:
        raise FetchError(
            f"`encoder`: keras-hub could not make a backbone of the preset {name!r}: "
            f"{first_line(error)}. Pass the path of a folder that `save_to_preset` wrote, or a "
            "backbone."
        ) from error
    try:
        converter = keras_hub.layers.ImageConverter.from_preset(name)
    except Exception:  # a preset may have none
        return model, None
    return model, _scaling_of(converter)


def _scaling_of(converter: Any) -> Scaling | None:
    """What a converter makes of 0..255, for a picture in [0, 1]."""
    scale, offset = (getattr(converter, key, None) for key in ("scale", "offset"))
    if scale is None and offset is None:
        return Scaling.to_range(0, 255)
    scales = [1.0] if scale is None else _list(scale)
    return Scaling(
        scale=tuple(255 * s for s in scales),
        offset=(0.0,) if offset is None else tuple(_list(offset)),
    )


def _list(value: Any) -> list[float]:
    return [float(x) for x in value] if isinstance(value, (list, tuple)) else [float(value)]
