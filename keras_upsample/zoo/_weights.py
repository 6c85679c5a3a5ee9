"""Building an application of Keras with weights, or saying plainly why it can't be."""

import os
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import keras

from keras_upsample._keras_first_read import first_read
from keras_upsample.errors import ArtefactError, FetchError, first_line

_PATH_HINT = (
    "a weights file of `keras.applications.{builder}(include_top=False)`, saved by "
    "`model.save_weights` or downloaded from Keras"
)


def check_weights(weights: Any, channels: int) -> None:
    """Raises unless `weights` is None, "imagenet" or an existing file, for RGB images."""
    if weights is None:
        return
    if not isinstance(weights, (str, os.PathLike)):
        raise ValueError(
            "`encoder_weights` must be None, 'imagenet' or the path of a weights file. "
            f"Received: {weights!r}."
        )
    if channels != 3:
        raise ValueError(
            f"`encoder_weights` are for images of 3 channels, but `input_shape` has {channels}. "
            "Pass encoder_weights=None, or convert the images to RGB."
        )
    if weights != "imagenet" and not os.path.isfile(weights):
        raise ValueError(
            f"`encoder_weights`: there is no file {os.fspath(weights)!r}. Pass None, 'imagenet' "
            "or the path of an existing weights file."
        )


def application(builder: str, weights: Any, channels: int, size: int | None = None) -> Any:
    """`keras.applications.<builder>` without its top, for any height and width.

    Args:
        builder: its name there.
        weights: None, "imagenet" or a path.
        channels: of the image.
        size: height and width at which it is built, for a network whose layers depend on it.
    """
    build: Any = getattr(keras.applications, builder)
    if channels != 3 and builder.startswith("ConvNeXt"):
        build = partial(build, include_preprocessing=False)  # its means are those of RGB
    hint = _PATH_HINT.format(builder=builder)
    # Fully convolutional weights do not depend on the size, whatever the warning says.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if weights is None:
            return build(include_top=False, weights=None, input_shape=(size, size, channels))
        if weights == "imagenet":
            try:
                return build(
                    include_top=False, weights="imagenet", input_shape=(size, size, channels)
                )
            except Exception as error:
                raise FetchError(
                    f"`encoder_weights='imagenet'`: Keras could not download the weights of "
                    f"{builder} ({first_line(error)}). Pass the path of a file instead: {hint}."
                ) from error
        model = build(include_top=False, weights=None, input_shape=(size, size, channels))
        load_file(model, weights, builder, hint)
        return model


def load_file(model: Any, weights: Any, name: str, hint: str = "weights that fit") -> None:
    """Load a weights file.

    Raises:
        ValueError: it is damaged, or does not fit; then the message has the `name` of the network
            and the `hint`.
    """
    try:
        with first_read(Path(weights), hint=""):
            model.load_weights(os.fspath(weights))
    except ArtefactError as error:
        raise ValueError(f"`encoder_weights`: {error}".rstrip()) from error
    except Exception as error:
        raise ValueError(
            f"`encoder_weights`: {os.fspath(weights)!r} does not fit {name}. Expected {hint}. "
            f"Keras says: {str(error).strip().splitlines()[0]}"
        ) from error
