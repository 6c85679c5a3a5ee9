"""Layers with given weights, and the nodes that call them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._graph import Tensor, applied
from ._views import NONE, Convolution, Pads, Pair, _same_pads


class Emitter:
    """Writes the nodes of one rewrite.

    Args:
        like: the layer that is replaced; gives the name and the dtype policy.
        source: the names of the user's layers that the new nodes stand for.
    """

    def __init__(self, like: Any, source: Sequence[str]) -> None:
        self.name = like.name
        self.source = tuple(source)
        self.policy = _storing_float32(getattr(like, "dtype_policy", None))

    def call(self, layer: Any, *tensors: Any) -> Tensor:
        """A node of a layer that takes one tensor, or a list of them."""
        argument = tensors[0] if len(tensors) == 1 else list(tensors)
        if not getattr(layer, "built", True):
            shapes = [tensor.shape for tensor in tensors]
            layer.build(shapes[0] if len(tensors) == 1 else shapes)
        _, output = applied(layer, argument, source=self.source)
        return output

    def convolution(
        self,
        x: Tensor,
        kernel: np.ndarray,
        bias: np.ndarray | None,
        *,
        pads: Pads | str = NONE,
        strides: Pair = (1, 1),
        dilation: Pair = (1, 1),
        activation: Any = None,
        depthwise: bool = False,
        suffix: str = "",
    ) -> Tensor:
        """A Conv2D or DepthwiseConv2D, behind a ZeroPadding2D where no padding of Keras' fits."""
        import keras

        name = self.name + suffix
        size = kernel.shape[:2]
        padding = "valid"
        if pads == "same" or (
            pads != NONE and pads == _same_pads(x.shape[1:3], size, strides, dilation)
        ):
            padding = "same"
        elif pads != NONE:
            x = self.call(
                keras.layers.ZeroPadding2D(pads, name=f"{name}_pad", dtype=self.policy), x
            )
        shared: dict[str, Any] = {
            "strides": strides,
            "padding": padding,
            "dilation_rate": dilation,
            "activation": activation,
            "use_bias": bias is not None,
            "data_format": "channels_last",
            "dtype": self.policy,
            "name": name,
        }
        layer: Any
        if depthwise:
            layer = keras.layers.DepthwiseConv2D(
                size, depth_multiplier=kernel.shape[3], depthwise_initializer="zeros", **shared
            )
        else:
            layer = keras.layers.Conv2D(kernel.shape[3], size, kernel_initializer="zeros", **shared)
        y = self.call(layer, x)
        layer.kernel.assign(kernel)
        if bias is not None:
            layer.bias.assign(bias)
        return y

    def changed(
        self, view: Convolution, kernel: np.ndarray, bias: Any, x: Tensor, suffix: str = ""
    ) -> Tensor:
        """The convolution of a view, with other weights or another input."""
        return self.convolution(
            x,
            kernel,
            bias,
            pads=view.pads,
            strides=view.strides,
            dilation=view.dilation,
            activation=view.activation,
            depthwise=view.depthwise,
            suffix=suffix,
        )

    def transposed(
        self,
        x: Tensor,
        kernel: np.ndarray,
        bias: np.ndarray | None,
        *,
        scale: Pair,
        crop: Pads,
        activation: Any = None,
        suffix: str = "",
    ) -> Tensor:
        """A TransposedConv2D with exactly this crop, which must fit (`fits_transposed`)."""
        from ..layers import TransposedConv2D

        layer: Any = TransposedConv2D(
            kernel.shape[2],
            scale,
            kernel.shape[:2],
            use_bias=bias is not None,
            initializer="zeros",
            activation=activation,
            data_format="channels_last",
            dtype=self.policy,
            name=self.name + suffix,
            **(_geometry(kernel.shape[:2], scale, crop) or {}),
        )
        y = self.call(layer, x)
        layer.kernel.assign(kernel)
        if bias is not None:
            layer.bias.assign(bias)
        return y

    def shuffle(self, x: Tensor, scale: int) -> Tensor:
        """A PixelShuffle2D."""
        from ..layers import PixelShuffle2D

        return self.call(
            PixelShuffle2D(
                scale, data_format="channels_last", name=f"{self.name}_shuffle", dtype=self.policy
            ),
            x,
        )

    def crop(self, x: Tensor, crop: Pads) -> Tensor:
        """A Cropping2D, or nothing."""
        import keras

        if crop == NONE:
            return x
        layer = keras.layers.Cropping2D(
            crop, data_format="channels_last", name=f"{self.name}_crop", dtype=self.policy
        )
        return self.call(layer, x)

    def interleaved(self, maps: Sequence[Tensor], scale: Pair) -> Tensor:
        """An Interleave2D: of a map for each row of a block, or of one with all of them."""
        from ._formed import Interleave2D

        name = f"{self.name}_interleaved"
        return self.call(Interleave2D(scale, name=name, dtype=self.policy), *maps)

    def activation(self, x: Tensor, function: Any, suffix: str = "") -> Tensor:
        """An Activation, or nothing."""
        import keras

        if function is None:
            return x
        name = f"{self.name}{suffix}_activation"
        return self.call(keras.layers.Activation(function, name=name, dtype=self.policy), x)


def _storing_float32(policy: Any) -> Any:
    """The policy, with weights in float32: a product of two half-precision weights is none."""
    import keras

    name = getattr(policy, "name", None)
    return keras.DTypePolicy(f"mixed_{name}") if name in ("float16", "bfloat16") else policy


def fits_transposed(kernel: Sequence[int], scale: Pair, crop: Pads) -> bool:
    """Whether `TransposedConv2D` has this geometry."""
    return _geometry(kernel, scale, crop) is not None


def _geometry(kernel: Sequence[int], scale: Pair, crop: Pads) -> dict[str, Any] | None:
    from ..ops._transposed_geometry import exact_crop

    sizes = zip(kernel, scale, crop, strict=True)
    if all(k >= s and c == exact_crop(k, s) for k, s, c in sizes):
        return {}
    padding = tuple(begin for begin, _ in crop)
    output_padding = tuple(begin - end for begin, end in crop)
    fits = all(b >= 0 for b in padding) and all(
        0 <= o < s for o, s in zip(output_padding, scale, strict=True)
    )
    return {"padding": padding, "output_padding": output_padding} if fits else None
