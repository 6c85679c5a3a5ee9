"""Keras' resize that keeps the aspect ratio, with sizes of its own where all are known."""

from collections.abc import Callable
from typing import Any

from ._graph_values import value_of


def keeping_known_sizes(original: Callable) -> Callable:
    """`keras.ops.image.resize` of TensorFlow's backend, given `crop_to_aspect_ratio` or
    `pad_to_aspect_ratio`.

    Keras cuts and pads by amounts that the graph computes, padding inside a condition, so that no
    size is known behind it. The amounts are computed as Keras does, and are constants where the
    image's size is one.
    """

    def resize(
        images: Any,
        size: Any,
        interpolation: str = "bilinear",
        antialias: bool = False,
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        data_format: str | None = None,
    ) -> Any:
        import keras

        options = {"interpolation": interpolation, "antialias": antialias}
        plain = crop_to_aspect_ratio == pad_to_aspect_ratio or fill_mode != "constant"
        if plain or images.shape.rank not in (3, 4):
            return original(
                images,
                size,
                **options,
                crop_to_aspect_ratio=crop_to_aspect_ratio,
                pad_to_aspect_ratio=pad_to_aspect_ratio,
                fill_mode=fill_mode,
                fill_value=fill_value,
                data_format=data_format,
            )
        first = (data_format or keras.config.image_data_format()) == "channels_first"
        axes = (-2, -1) if first else (-3, -2)
        if crop_to_aspect_ratio:
            images = _crop(images, size, axes)
        else:
            images = _pad(images, size, axes, fill_value)
        return original(images, size, **options, data_format=data_format)

    return resize


def _lengths(images: Any, size: Any, axes: tuple[int, int]) -> tuple[Any, Any, Any, Any]:
    """Height and width, and those that the other one asks for."""
    import tensorflow as tf

    shape = tf.shape(images)
    height, width = shape[axes[0]], shape[axes[1]]
    by_width = tf.cast(tf.cast(width * size[0], "float32") / size[1], "int32")
    by_height = tf.cast(tf.cast(height * size[1], "float32") / size[0], "int32")
    return height, width, by_width, by_height


def _half(n: Any) -> Any:
    import tensorflow as tf

    return tf.cast(tf.cast(n, "float32") / 2, "int32")


def _known(n: Any) -> Any:
    value = value_of(n)
    return n if value is None else int(value)


def _crop(images: Any, size: Any, axes: tuple[int, int]) -> Any:
    import tensorflow as tf

    height, width, by_width, by_height = _lengths(images, size, axes)
    index = [slice(None)] * images.shape.rank
    for axis, whole, wanted in zip(axes, (height, width), (by_width, by_height), strict=True):
        kept = tf.maximum(tf.minimum(whole, wanted), 1)
        begin = _half(whole - kept)
        index[axis] = slice(_known(begin), _known(begin + kept))
    return images[tuple(index)]


def _pad(images: Any, size: Any, axes: tuple[int, int], fill_value: float) -> Any:
    import tensorflow as tf

    height, width, by_width, by_height = _lengths(images, size, axes)
    pads: list[list[Any]] = [[0, 0] for _ in range(images.shape.rank)]
    for axis, whole, wanted in zip(axes, (height, width), (by_width, by_height), strict=True):
        half = _known(_half(tf.maximum(whole, wanted) - whole))
        pads[axis] = [half, half]
    return tf.pad(images, pads, constant_values=tf.cast(fill_value, images.dtype))
