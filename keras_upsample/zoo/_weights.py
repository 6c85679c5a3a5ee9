"""Building an application of Keras with weights, or saying plainly why it can't be."""

import os
import warnings
from typing import Any

import keras

from keras_upsample.errors import FetchError, first_line

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


def application(builder: str, weights: Any, channels: int) -> Any:
    """`keras.applications.<builder>` without its top, for any height and width."""
    build = getattr(keras.applications, builder)
    hint = _PATH_HINT.format(builder=builder)
    # Fully convolutional weights do not depend on the size, whatever the warning says.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if weights is None:
            return build(include_top=False, weights=None, input_shape=(None, None, channels))
        if weights == "imagenet":
            try:
                return build(
                    include_top=False, weights="imagenet", input_shape=(None, None, channels)
                )
            except Exception as error:
                raise FetchError(
                    f"`encoder_weights='imagenet'`: Keras could not download the weights of "
                    f"{builder} ({first_line(error)}). Pass the path of a file instead: {hint}."
                ) from error
        model = build(include_top=False, weights=None, input_shape=(None, None, channels))
        try:
            model.load_weights(os.fspath(weights))
        except Exception as error:
            raise ValueError(
                f"`encoder_weights`: {os.fspath(weights)!r} does not fit {builder}. "
                f"Expected {hint}. Keras says: {str(error).strip().splitlines()[0]}"
            ) from error
        return model
