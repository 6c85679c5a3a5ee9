"""Patches of images and volumes: TensorFlow's functions for them, and windows as slices."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .._others import _tensorflow
from ..program._patching import Patch, Place

Patches = Callable[[Any, Sequence[int], Sequence[int], Sequence[int], Any], Any]
"""(images or volumes, sizes, strides, rates, padding) -> patches, or None where it has no form."""


def patch_places(patch: Patch, patches: Patches) -> Iterator[Place]:
    """The functions of TensorFlow that take patches, replaced by a form of them.

    Args:
        patch: that the places are for.
        patches: the form.
    """
    import tensorflow as tf

    gen_array_ops = _tensorflow.gen_array_ops()

    def of_images(
        original: Callable,
        images: Any,
        ksizes: Sequence[int],
        strides: Sequence[int],
        rates: Sequence[int],
        padding: Any,
        name: str | None,
    ) -> Any | None:
        return patches(images, ksizes, strides, rates, padding)

    def of_volumes(
        original: Callable,
        input: Any,
        ksizes: Sequence[int],
        strides: Sequence[int],
        padding: Any,
        name: str | None,
    ) -> Any | None:
        return patches(input, ksizes, strides, (1,) * len(ksizes), padding)

    yield gen_array_ops, "extract_image_patches", patch.by(of_images)
    yield tf.raw_ops, "ExtractImagePatches", patch.by(of_images)
    yield gen_array_ops, "extract_volume_patches", patch.by(of_volumes)
    yield tf, "extract_volume_patches", patch.by(of_volumes)
    yield tf.raw_ops, "ExtractVolumePatches", patch.by(of_volumes)


def spatial(x: Any, *windows: Sequence[int]) -> bool:
    """Whether all sizes but the batch are known, and windows do not reach beyond one image."""
    return None not in tuple(x.shape[1:]) and all(n[0] == n[-1] == 1 for n in windows)


def sliced_patches(
    images: Any, ksizes: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: Any
) -> Any | None:
    """Slices side by side, axis by axis from the last: channels in the order (a, b, c)."""
    import tensorflow as tf

    padding = padding.decode() if isinstance(padding, bytes) else padding
    x = tf.convert_to_tensor(images)
    if not spatial(x, ksizes, strides, rates):
        return None
    for axis in reversed(range(1, len(x.shape) - 1)):
        size, stride, rate = ksizes[axis], strides[axis], rates[axis]
        reach = (size - 1) * rate + 1
        pads = [(0, 0)] * len(x.shape)
        pads[axis] = pads_of(x.shape[axis], reach, stride, padding)
        x = tf.pad(x, pads) if any(pads[axis]) else x
        count = (x.shape[axis] - reach) // stride + 1
        parts = [every(x, axis, k * rate, stride, count) for k in range(size)]
        x = tf.concat(parts, axis=-1) if size > 1 else parts[0]
    return x


def pads_of(length: Any, window: int, stride: int, padding: Any) -> tuple[Any, Any]:
    """Elements before and after an axis, as TensorFlow's "SAME" has them; what is left over at the
    end of a "VALID" one is not asked for. The length may be a number that the graph computes."""
    import tensorflow as tf

    if padding in ("VALID", b"VALID"):
        return 0, 0
    missing = (-(-length // stride) - 1) * stride + window - length
    missing = max(missing, 0) if isinstance(missing, int) else tf.maximum(missing, 0)
    return missing // 2, missing - missing // 2


def every(x: Any, axis: int, start: int, stride: int, count: int) -> Any:
    """`count` elements of an axis from `start`, `stride` apart."""
    place = [slice(None)] * len(x.shape)
    place[axis] = slice(start, start + (count - 1) * stride + 1, stride)
    return x[tuple(place)]
