"""FADE: kernels and a gate from the features of encoder and decoder."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import from_channels_last
from ..ops._reassemble import weighted_windows
from ..ops._resize import resize_nearest
from ..ops._shuffle import pixel_unshuffle
from ._guided import Guided2D
from ._inner import convolution, depthwise
from ._pair import guided_channels


@keras.saving.register_keras_serializable(package="keras_upsample")
class FADE2D(Guided2D):
    """Upsamples with kernels predicted from x and its guide, and lets the guide through a gate.

    y[p] = g A G[p] + (1 − g) · sum over q of w(p, q) x[q], with
    w = softmax over the k² pixels q around r of (E * (Pg G))[p] + (E * (Px x))[r], r = floor(p/s),
    g = sigmoid(v · x[r] + b).

    Pg and Px are 1x1 convolutions to few channels, E is one convolution for both, each at its own
    size (semi-shift convolution), A a 1x1 convolution where the guide's number of channels is not
    that of x, else 1. Each kernel is positive and sums to 1; pixels outside the image count as
    zeros, as in CARAFE2D. With a gate at 0 and kernels that are all equal, `3 9 3 ->
    4 4 5 5 4 4` on an axis at k = 3.

    Input: [x, guide], (N, H, W, C) and (N, s·H, s·W, D); channels second for "channels_first". x
    are the decoder's features, the guide the encoder's at the doubled size.
    Output: (N, s·H, s·W, C).
    Weights: `compress_guide` Pg (1, 1, D, embedding) with bias, `compress_x` Px (1, 1, C,
    embedding) without, `encode` E (encoder_kernel, encoder_kernel, embedding, k²) with bias, which
    is added twice, as in the authors' code; with `gated` also `gate` v (1, 1, C, 1) with bias and,
    if needed, `align` A (1, 1, D, C) with bias. With `lite` Pg and Px have k² channels, and E is
    depthwise.

    Args:
        scale: factor s, the same for rows and columns, >= 1; the paper's 2.
        kernel_size: size k of the reassembly kernels, odd; the paper's 5.
        lite: whether E is depthwise (FADE-Lite).
        gated: whether the guide's own features are let through; False for the kernels alone.
        embedding: number of channels between Pg, Px and E, >= 1; not with `lite`.
        encoder_kernel: size of E's kernel, odd; the paper's 3.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs other than two of 4 axes, or with unknown
            channels; a guide that is not s times as large, if its size is known.

    Reference: Lu et al., FADE: Fusing the Assets of Decoder and Encoder for Task-Agnostic
    Upsampling, ECCV 2022, section 3, https://arxiv.org/abs/2207.10392; FADE-Lite is of the extended
    version, IJCV 2024. As in the authors' code (poppinace/fade, MIT licence), whose two layouts of
    the semi-shift convolution compute the same; A is ours, as the paper wants C = D.
    """

    def __init__(
        self,
        scale: int = 2,
        kernel_size: int = 5,
        *,
        lite: bool = False,
        gated: bool = True,
        embedding: int = 64,
        encoder_kernel: int = 3,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scale, data_format, **kwargs)
        self.kernel_size = arguments.odd(kernel_size, "kernel_size")
        self.lite = bool(lite)
        self.gated = bool(gated)
        self.embedding = arguments.integer(embedding, "embedding")
        self.encoder_kernel = arguments.odd(encoder_kernel, "encoder_kernel")

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)
        channels, seen = guided_channels(input_shape, self.data_format)
        taps = self.kernel_size**2
        inner = taps if self.lite else self.embedding
        self.compress_guide = convolution(self, "compress_guide", seen, inner)
        self.compress_x = convolution(self, "compress_x", channels, inner, use_bias=False)
        if self.lite:
            self.encode = depthwise(self, "encode", taps, self.encoder_kernel)
        else:
            self.encode = convolution(self, "encode", inner, taps, self.encoder_kernel)
        if self.gated:
            self.gate = convolution(self, "gate", channels, 1)
            self.align = None
            if channels != seen:
                self.align = convolution(self, "align", seen, channels)

    def call(self, inputs: Any) -> Any:
        x, guide = self.channels_last_pair(inputs)
        phases, taps = self.scale**2, self.kernel_size**2
        fine = self.encode(self.compress_guide(guide))  # (N, s·H, s·W, k²)
        coarse = self.encode(self.compress_x(x))  # (N, H, W, k²)
        logits = pixel_unshuffle(fine, self.scale, data_format="channels_last")
        logits = logits + ops.concatenate([coarse] * phases, axis=3)  # (N, H, W, s²·k²)
        weights = ops.softmax(ops.reshape(logits, (-1, phases, taps)), axis=-1)
        y = weighted_windows(x, weights, self.scale)
        if self.gated:
            gate = ops.sigmoid(self.gate(x))
            gate = resize_nearest(gate, scale=self.scale, data_format="channels_last")
            through = guide if self.align is None else self.align(guide)
            y = y + gate * (through - y)
        return from_channels_last(y, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "lite": self.lite,
            "gated": self.gated,
            "embedding": self.embedding,
            "encoder_kernel": self.encoder_kernel,
        }
