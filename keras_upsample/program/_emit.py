"""Layers with given weights, and the nodes that call them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._graph import Tensor, applied
from ._operations import NONE, Convolution, Dense, Linear, Pads, Pair, Transposed
from ._views import same_pads


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
        kernel: Any,
        bias: Any,
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
            pads != NONE and pads == same_pads(x.shape[1:3], size, strides, dilation)
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
        return self._holding(layer, x, kernel, bias)

    def write(self, operation: Linear, x: Tensor, suffix: str = "") -> Tensor:
        """The layer of an operation, called on x in place of the operation's own."""
        if isinstance(operation, Convolution):
            return self.convolution(
                x,
                operation.kernel,
                operation.bias,
                pads=operation.pads,
                strides=operation.strides,
                dilation=operation.dilation,
                activation=operation.activation,
                depthwise=operation.depthwise,
                suffix=suffix,
            )
        if isinstance(operation, Transposed):
            return self.transposed(
                x,
                operation.kernel,
                operation.bias,
                scale=operation.scale,
                crop=operation.crop,
                activation=operation.activation,
                suffix=suffix,
            )
        if isinstance(operation, Dense):
            return self.dense(x, operation, suffix)
        raise TypeError(f"no layer is written for {type(operation).__name__}")

    def dense(self, x: Tensor, operation: Dense, suffix: str = "") -> Tensor:
        """A Dense."""
        import keras

        layer: Any = keras.layers.Dense(
            operation.kernel.shape[1],
            activation=operation.activation,
            use_bias=operation.bias is not None,
            kernel_initializer="zeros",
            name=self.name + suffix,
            dtype=self.policy,
        )
        return self._holding(layer, x, operation.kernel, operation.bias)

    def _holding(self, layer: Any, x: Tensor, kernel: Any, bias: Any) -> Tensor:
        y = self.call(layer, x)
        layer.kernel.assign(np.asarray(kernel))
        if bias is not None:
            layer.bias.assign(np.asarray(bias))
        return y

    def transposed(
        self,
        x: Tensor,
        kernel: Any,
        bias: Any,
        *,
        scale: Pair,
        crop: Pads,
        activation: Any = None,
        suffix: str = "",
    ) -> Tensor:
        """A TransposedConv2D with exactly this crop, which must fit (`writable`)."""
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
        return self._holding(layer, x, kernel, bias)

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


def writable(operation: Linear) -> bool:
    """Whether a layer computes it: `TransposedConv2D` has no crop beyond its kernel."""
    return not isinstance(operation, Transposed) or (
        _geometry(operation.kernel.shape[:2], operation.scale, operation.crop) is not None
    )


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
