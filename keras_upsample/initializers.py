"""Initial kernels with which an upsampling layer starts as plain interpolation."""

from typing import Any

import keras
import numpy as np
from keras import ops

from .ops import _arguments as arguments

__all__ = ["ICNR", "BilinearDeconvolution", "TransposedICNR"]


def _base(initializer: Any) -> Any:
    try:
        return keras.initializers.get(initializer)
    except ValueError as error:
        raise ValueError(
            "`base_initializer` must be a Keras initializer or its name. "
            f"Received: {initializer!r}. Try 'he_normal'."
        ) from error


@keras.saving.register_keras_serializable(package="keras_upsample")
class ICNR(keras.initializers.Initializer):
    """Makes the s² kernels that feed one block of a pixel shuffle equal.

    K[..., (a·s + b)·C + c] = B[..., c] for order "dcr", K[..., c·s² + a·s + b] = B[..., c] for
    "crd". The layer then starts as a convolution followed by nearest upsampling, without the
    checkerboard that independent kernels start with: kernels `1 2 3 4` -> `1 1 1 1`.

    Args:
        scale: factor s of the shuffle, >= 1.
        base_initializer: Keras initializer of the kernel B (kh, kw, Cin, C).
        order: "dcr" or "crd", as the shuffle's.

    Raises:
        ValueError: a bad argument; at call, output channels that s² does not divide.

    Reference: Aitken et al., Checkerboard artifact free sub-pixel convolution, 2017, section 3.
    """

    def __init__(
        self, scale: int, base_initializer: Any = "he_normal", *, order: str = "dcr"
    ) -> None:
        self.scale = arguments.integer(scale, "scale")
        self.base_initializer = _base(base_initializer)
        self.order = arguments.one_of(order, "order", arguments.ORDERS)

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        rows, columns, channels, filters = shape
        copies = self.scale**2
        if filters % copies:
            raise ValueError(
                f"`shape` must end with a multiple of {copies} output channels for "
                f"`scale`={self.scale}. Received: {tuple(shape)}. Use filters · scale²."
            )
        base = self.base_initializer((rows, columns, channels, filters // copies), dtype=dtype)
        if self.order == "dcr":
            return ops.tile(base, (1, 1, 1, copies))  # (kh, kw, Cin, s²·C)
        return ops.repeat(base, copies, axis=3)  # (kh, kw, Cin, C·s²)

    def get_config(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "base_initializer": keras.initializers.serialize(self.base_initializer),
            "order": self.order,
        }


@keras.saving.register_keras_serializable(package="keras_upsample")
class TransposedICNR(keras.initializers.Initializer):
    """Makes a transposed convolution start as nearest upsampling of a small convolution.

    K[j] = B[floor((j − crop)/s)] on each axis, where that block of s taps lies whole in the
    kernel, else 0: 4 taps at scale 2 and crop 1 -> `0 b b 0`. A block that the kernel's edge cuts
    would reach only some phases of the output, which would bring the checkerboard back.

    Args:
        scale: stride s, or one for each axis of the kernel.
        crop: pixels that the layer crops at the top and the left, or a number for each axis.
        base_initializer: Keras initializer of the kernel B (rows, columns, Cin/groups, Cout).
        groups: channel groups of the layer, whose kernel is (kh, kw, Cout/groups, Cin).

    Raises:
        ValueError: a bad argument; at call, a kernel that holds no whole block.

    Reference: Aitken et al., Checkerboard artifact free sub-pixel convolution, 2017, section 3.
    """

    def __init__(
        self, scale: Any, crop: Any = 0, base_initializer: Any = "he_normal", *, groups: int = 1
    ) -> None:
        rank = next((len(v) for v in (scale, crop) if isinstance(v, list | tuple)), 2)
        self.scale = arguments.each(scale, "scale", rank)
        self.crop = arguments.each(crop, "crop", rank, minimum=0)
        self.base_initializer = _base(base_initializer)
        self.groups = arguments.integer(groups, "groups")

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        *lengths, filters, channels = shape
        taken = []
        for length, s, crop in zip(lengths, self.scale, self.crop, strict=True):
            first = crop % s
            blocks = (length - first) // s
            if blocks < 1:
                raise ValueError(
                    f"`shape` must hold a whole block of {s} taps behind a crop of {crop}. "
                    f"Received: {tuple(shape)}. Use a kernel >= scale, or another initializer."
                )
            taken.append((first, blocks, length - first - blocks * s))
        size = tuple(blocks for _, blocks, _ in taken)
        own = channels // self.groups  # input channels that a filter reads
        base = self.base_initializer((*size, own, self.groups * filters), dtype=dtype)
        # (blocks, blocks, Cin/g, g, Cout/g) -> (blocks, blocks, Cout/g, g, Cin/g)
        kernel = ops.reshape(base, (*size, own, self.groups, filters))
        kernel = ops.swapaxes(kernel, -1, -3)
        kernel = ops.reshape(kernel, (*size, filters, channels))
        for axis, s in enumerate(self.scale):
            kernel = ops.repeat(kernel, s, axis=axis)
        edges = [(first, last) for first, _, last in taken]
        return ops.pad(kernel, [*edges, (0, 0), (0, 0)])  # (kh, kw, Cout/g, Cin)

    def get_config(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "crop": self.crop,
            "base_initializer": keras.initializers.serialize(self.base_initializer),
            "groups": self.groups,
        }


@keras.saving.register_keras_serializable(package="keras_upsample")
class BilinearDeconvolution(keras.initializers.Initializer):
    """Makes a transposed convolution start as bilinear upsampling of each channel.

    w(i, j) = (1 − |i − c|/f)(1 − |j − c|/f) with f = ceil(k/2) and c the kernel's middle (f − 1 for
    odd k, f − 1/2 for even k), on the diagonal between output and input channel; all else is 0.
    4 taps -> `1/4 3/4 3/4 1/4`. Kernels of 2s − s mod 2, and of 2s, keep constants at stride s
    (away from the border). If the channels differ in number, the shorter diagonal is filled. For
    lines the product has one factor, for volumes three.

    Args:
        groups: channel groups of the layer, whose kernel is (kh, kw, Cout/groups, Cin); each group
            has its own diagonal.

    Reference: Long et al., Fully convolutional networks, 2015, section 3.3; Caffe's "bilinear".
    """

    def __init__(self, groups: int = 1) -> None:
        self.groups = arguments.integer(groups, "groups")

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        *lengths, filters, channels = shape
        picture = np.ones(())
        for length in lengths:
            picture = np.multiply.outer(picture, _triangle(length))
        kernel = np.zeros(shape)
        own = channels // self.groups  # input channels that a filter reads
        for channel in range(channels):
            if channel % own < filters:
                kernel[..., channel % own, channel] = picture
        return ops.convert_to_tensor(kernel, dtype=dtype or keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        return {"groups": self.groups}


def _triangle(length: int) -> np.ndarray:
    factor = (length + 1) // 2
    centre = factor - 1 if length % 2 else factor - 0.5
    return 1 - np.abs(np.arange(length) - centre) / factor
