"""Joining a decoder's feature map with its skip connection."""

from typing import Any

import keras
from keras import layers, ops

from ..ops import _arguments as arguments
from ..ops._align import crop_centre, fit
from ..ops._backend import from_channels_last, to_channels_last
from ..ops._backend import mean as mean_of
from ._pair import check_pair, guided_channels

MODES = ("concat", "add", "attention", "scse")
ALIGNMENTS = ("skip", "center_crop", None)
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class SkipFusion2D(keras.layers.Layer):
    """Joins an upsampled decoder feature map d with a skip connection x.

    concat: [d, x]. add: d + P x, with a 1x1 convolution P if the channels differ, else P = 1.
    attention: [d, α x], α = sigmoid(ψ ReLU(Wx x + Wg d + b) + b_ψ), one α a pixel (additive gate).
    scse: U = [d, x]; U sigmoid(W2 ReLU(W1 mean(U))) + U sigmoid(w U), by channel and by pixel.

    Sizes differ where an odd size was halved; they are aligned first: d `1 2 3`, x `4 5` ->
    d `1 2`.

    Input: [decoder, skip], (N, H, W, C) and (N, h, w, c); channels second for "channels_first".
    Output: C + c channels (C for "add"), of the skip's height and width for `align="skip"`.

    Args:
        mode: "concat", "add", "attention" or "scse".
        align: "skip": the result has the skip's size; a larger decoder map is cropped at the bottom
            and the right, a smaller one is padded with zeros there. "center_crop": both are cropped
            around their middle to the smaller size, an odd pixel at the end. None: the sizes must
            agree. If the sizes are known and equal, the graph gets no operator.
        attention_channels: inner channels of the gate; None for half the skip's, at least 1.
        reduction: r of "scse": its inner layer has (C + c) // r channels, at least 1.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; a number of inputs other than 2; sizes that differ
            with `align=None`, if they are known.

    Reference: Ronneberger et al., U-Net, 2015, figure 1; Oktay et al., Attention U-Net, 2018,
    section 2.2; Roy et al., Concurrent spatial and channel squeeze & excitation, 2018, section 3.
    """

    def __init__(
        self,
        mode: str = "concat",
        align: str | None = "skip",
        *,
        attention_channels: int | None = None,
        reduction: int = 2,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode = arguments.one_of(mode, "mode", MODES)
        self.align = arguments.one_of(align, "align", ALIGNMENTS)
        if attention_channels is not None:
            attention_channels = arguments.integer(attention_channels, "attention_channels")
        self.attention_channels = attention_channels
        self.reduction = arguments.integer(reduction, "reduction")
        self.data_format = arguments.data_format_of(data_format)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)
        decoder, skip = guided_channels(input_shape, self.data_format)
        if self.mode == "add" and decoder != skip:
            self.project = self._pointwise(decoder, skip, "project")
        elif self.mode == "attention":
            inner = self.attention_channels or max(skip // 2, 1)
            self.from_skip = self._pointwise(inner, skip, "from_skip", use_bias=False)
            self.from_decoder = self._pointwise(inner, decoder, "from_decoder")
            self.gate = self._pointwise(1, inner, "gate")
        elif self.mode == "scse":
            channels = decoder + skip
            inner = max(channels // self.reduction, 1)
            self.squeeze = self._pointwise(inner, channels, "squeeze")
            self.excite = self._pointwise(channels, inner, "excite")
            self.spatial = self._pointwise(1, channels, "spatial")

    def _pointwise(
        self, filters: int, channels: int, name: str, *, use_bias: bool = True
    ) -> keras.layers.Layer:
        """Return a built 1x1 convolution, always channels last inside."""
        layer = layers.Conv2D(
            filters,
            1,
            use_bias=use_bias,
            data_format="channels_last",
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build((None, None, None, channels))
        return layer

    def call(self, inputs: Any) -> Any:
        decoder, skip = check_pair(inputs, "inputs", "[decoder, skip]")
        if self.align == "skip":
            decoder = fit(decoder, skip, self.data_format)
        elif self.align == "center_crop":
            decoder, skip = (
                crop_centre(decoder, skip, self.data_format),
                crop_centre(skip, decoder, self.data_format),
            )
        if self.mode == "concat":
            axis = arguments.channel_axis(self.data_format)
            return ops.concatenate([decoder, skip], axis=axis)
        decoder = to_channels_last(decoder, self.data_format)
        skip = to_channels_last(skip, self.data_format)
        joined = getattr(self, f"_{self.mode}")(decoder, skip)
        return from_channels_last(joined, self.data_format)

    def _add(self, decoder: Any, skip: Any) -> Any:
        if decoder.shape[3] != skip.shape[3]:
            skip = self.project(skip)
        return ops.add(decoder, skip)  # (N, H, W, C)

    def _attention(self, decoder: Any, skip: Any) -> Any:
        inner = ops.relu(ops.add(self.from_skip(skip), self.from_decoder(decoder)))
        alpha = ops.sigmoid(self.gate(inner))  # (N, H, W, 1)
        return ops.concatenate([decoder, ops.multiply(skip, alpha)], axis=3)  # (N, H, W, C + c)

    def _scse(self, decoder: Any, skip: Any) -> Any:
        joined = ops.concatenate([decoder, skip], axis=3)  # (N, H, W, C + c)
        mean = mean_of(joined, (1, 2))  # (N, 1, 1, C + c)
        by_channel = ops.sigmoid(self.excite(ops.relu(self.squeeze(mean))))
        by_pixel = ops.sigmoid(self.spatial(joined))  # (N, H, W, 1)
        return ops.add(ops.multiply(joined, by_channel), ops.multiply(joined, by_pixel))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        decoder, skip = check_pair(input_shape, "inputs", "[decoder, skip]")
        arguments.check_rank(decoder, "decoder")
        arguments.check_rank(skip, "skip")
        shape = list(decoder)
        for axis in arguments.spatial_axes(self.data_format):
            a, b = decoder[axis], skip[axis]
            if self.align == "skip":
                shape[axis] = b
            elif self.align == "center_crop":
                shape[axis] = None if a is None or b is None else min(a, b)
            else:
                if a is not None and b is not None and a != b:
                    raise ValueError(
                        "`decoder` and `skip` must have one size with `align=None`. Received: "
                        f"{tuple(decoder)} and {tuple(skip)}. Use `align='skip'`."
                    )
                shape[axis] = b if a is None else a
        axis = arguments.channel_axis(self.data_format)
        if self.mode != "add":
            known = decoder[axis] is not None and skip[axis] is not None
            shape[axis] = decoder[axis] + skip[axis] if known else None
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mode": self.mode,
            "align": self.align,
            "attention_channels": self.attention_channels,
            "reduction": self.reduction,
            "data_format": self.data_format,
        }
