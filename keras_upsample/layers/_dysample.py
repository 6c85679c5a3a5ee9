"""DySample: upsampling by learned points."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import add_bias, from_channels_last, part, reshape, sizes, to_channels_last
from ..ops._point_sample import check_groups, move_points, sample
from ..ops._point_windows import WINDOW
from ._scaled import Shape, known_channels, scaled_shape

STYLES = ("lp", "pl")


@keras.saving.register_keras_serializable(package="keras_upsample")
class DySample2D(keras.layers.Layer):
    """Upsamples by bilinear sampling of the input at learned points.

    y[s·i + a, s·j + b] = x(i + (a − (s − 1)/2)/s + dr, j + (b − (s − 1)/2)/s + dc),
    (dr, dc) = (L x)/4, or (L x) · sigmoid(S x)/2 with `dynamic_scope`, L and S linear in the
    channels of a pixel. Values between pixels are interpolated linearly, indices clamped to the
    image. With the initial weights the layer is close to bilinear upsampling,
    `1 2 -> 1 1.25 1.75 2`; it always keeps constants exactly.

    Input: (N, H, W, C); (N, C, H, W) for "channels_first".
    Output: (N, s·H, s·W, C); the channels are not mixed.
    Weights: offset_kernel (1, 1, C, 2·s²·g), offset_bias; output channel (a·s + b)·g + q is dr of
    group q for the output pixel (a, b) of a block, and dc is s²·g channels later. For "pl" the
    kernel is (1, 1, C/s², 2·g): channel q is dr, g + q is dc. With `dynamic_scope` also
    scope_kernel. (The authors' PyTorch code has dc first, and channel q·s² + a·s + b.)

    Args:
        scale: factor s, the same for rows and columns, >= 1.
        groups: number g of groups of neighbouring channels; the channels of a group share their
            points. Must divide C.
        style: "lp": offsets by a 1x1 convolution, then a shuffle; "pl": a shuffle (PyTorch's order)
            of the input, then a 1x1 convolution, with fewer weights; s² must divide C.
        dynamic_scope: whether the range of the offsets is learned too (the paper's "+").
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes; a number of channels that
            can't be divided as above.

    Reference: Liu et al., Learning to Upsample by Learning to Sample, ICCV 2023, section 3,
    https://arxiv.org/abs/2308.15085
    """

    def __init__(
        self,
        scale: int = 2,
        groups: int = 4,
        *,
        style: str = "lp",
        dynamic_scope: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.scale = arguments.integer(scale, "scale")
        self.groups = arguments.integer(groups, "groups")
        self.style = arguments.one_of(style, "style", STYLES)
        self.dynamic_scope = bool(dynamic_scope)
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)
        self.window = WINDOW  # for targets without gathers, see `sample_windows`

    def build(self, input_shape: Shape) -> None:
        arguments.check_rank(input_shape, "inputs")
        channels = known_channels(input_shape, self.data_format)
        check_groups(channels, self.groups)
        outputs = 2 * self.groups
        axes = {arguments.channel_axis(self.data_format): channels}
        self.input_spec = keras.layers.InputSpec(ndim=4, axes=axes)
        if self.style == "lp":
            outputs *= self.scale**2
        elif channels % self.scale**2:
            raise ValueError(
                f"`style='pl'` at scale={self.scale} needs a number of channels that "
                f"{self.scale**2} divides. Received: {channels}. Use style='lp'."
            )
        else:
            channels //= self.scale**2
        shape = (1, 1, channels, outputs)
        normal = keras.initializers.RandomNormal(stddev=0.001)
        self.offset_kernel = self.add_weight(name="offset_kernel", shape=shape, initializer=normal)
        self.offset_bias = self.add_weight(
            name="offset_bias", shape=(outputs,), initializer="zeros"
        )
        if self.dynamic_scope:
            self.scope_kernel = self.add_weight(
                name="scope_kernel", shape=shape, initializer="zeros"
            )

    def call(self, inputs: Any) -> Any:
        x = to_channels_last(ops.cast(inputs, self.compute_dtype), self.data_format)
        rows, columns = self.offsets(x)
        y = sample(x, rows, columns, self.scale, self.groups, self.window)
        return from_channels_last(y, self.data_format)

    def offsets(self, x: Any) -> tuple[Any, Any]:
        """Predict the offsets of the points on both axes, in pixels: two of (N, H, W, s²·g)."""
        n, h, w, channels = sizes(x)
        blocks = self.scale**2
        features = x
        if self.style == "pl":
            # What the shuffle brings to one output pixel are every s²-th of the channels; as
            # (1, N·H·W, s², C/s²) the 1x1 convolution takes them without moving them in space.
            features = ops.reshape(x, (-1, channels // blocks, blocks))
            features = ops.transpose(features, (0, 2, 1))  # (N·H·W, s², C/s²)
            features = ops.expand_dims(features, 0)
        moves = self._linear(features, self.offset_kernel)
        moves = add_bias(moves, self.offset_bias, "channels_last")
        if self.dynamic_scope:
            moves = moves * ops.sigmoid(self._linear(features, self.scope_kernel)) * 0.5
        else:
            moves = moves * 0.25
        half = moves.shape[3] // 2
        rows, columns = part(moves, 3, 0, half), part(moves, 3, half, None)
        if self.style == "lp":
            return rows, columns
        shape = (n, h, w, blocks * self.groups)
        return reshape(rows, shape), reshape(columns, shape)

    def points(self, x: Any) -> tuple[Any, Any]:
        """How far the points lie from their pixels, of an input with channels last."""
        rows, columns = self.offsets(x)
        return (
            move_points(rows, 1, self.scale, self.groups),
            move_points(columns, 2, self.scale, self.groups),
        )

    def _linear(self, x: Any, kernel: Any) -> Any:
        return ops.conv(x, kernel, padding="valid", data_format="channels_last")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return scaled_shape(input_shape, self.scale, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "groups": self.groups,
            "style": self.style,
            "dynamic_scope": self.dynamic_scope,
            "data_format": self.data_format,
        }
