"""SAPA: kernels from the similarity of encoder and decoder features."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import from_channels_last
from ..ops._reassemble import weighted_windows
from ..ops._shuffle import pixel_unshuffle
from ..ops._similarity import window_products
from ._guided import Guided2D
from ._inner import convolution, normalization
from ._pair import guided_channels

SIMILARITIES = ("inner", "bilinear", "gated")


@keras.saving.register_keras_serializable(package="keras_upsample")
class SAPA2D(Guided2D):
    """Upsamples by a mean of the window, weighted by the similarity of its pixels to a guide.

    y[p] = sum over q of w(p, q) x[q], w = softmax over the k² pixels q around floor(p/s) of
    K(x[q]) · Q(p). With x' and G' for x and the guide G after layer normalization:

    inner (SAPA-I): K(x) = x', Q(p) = G'[p].
    bilinear (SAPA-B): K(x) = Wk x', Q(p) = Wq G'[p].
    gated (SAPA-G): K(x) = Wk x', Q(p) = g Wq G'[p] + (1 − g) Wx x[floor(p/s)],
        g = sigmoid(v · x'[floor(p/s)]).

    Each kernel is positive and sums to 1. With the initial weights of "bilinear" and "gated" each
    output is close to the mean of its window: `3 9 3 -> 4 4 5 5 4 4` on an axis at k = 3. Pixels
    outside the image count as zeros with a similarity of 0, as in the authors' code: a constant
    image stays constant only k//2 input pixels away from the border.

    Input: [x, guide], (N, H, W, C) and (N, s·H, s·W, D); channels second for "channels_first". x
    are the decoder's features, the guide the encoder's at the doubled size.
    Output: (N, s·H, s·W, C); the channels are not mixed.
    Weights: gamma and beta of both normalizations; with bias, but for "inner": `key` Wk (1, 1, C,
    embedding), `query` Wq (1, 1, D, embedding); "gated" also `query_x` Wx (1, 1, C, embedding) and
    `gate` v (1, 1, C, 1).

    Args:
        scale: factor s, the same for rows and columns, >= 1.
        kernel_size: size k of the windows, odd; the paper's 5.
        similarity: "inner", "bilinear" or "gated". "inner" needs C = D.
        embedding: number of channels in which features are compared, >= 1; not for "inner".
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs other than two of 4 axes, or with unknown
            channels; a guide that is not s times as large, if its size is known.

    Reference: Lu et al., SAPA: Similarity-Aware Point Affiliation for Feature Upsampling, NeurIPS
    2022, section 3, https://arxiv.org/abs/2209.12866. "bilinear" and "gated" as in the authors'
    code (poppinace/sapa, MIT licence), where Wx sees x without normalization; that code has no
    "inner", which is normalized here as the others are.
    """

    def __init__(
        self,
        scale: int = 2,
        kernel_size: int = 5,
        *,
        similarity: str = "bilinear",
        embedding: int = 64,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scale, data_format, **kwargs)
        self.kernel_size = arguments.odd(kernel_size, "kernel_size")
        self.similarity = arguments.one_of(similarity, "similarity", SIMILARITIES)
        self.embedding = arguments.integer(embedding, "embedding")

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)
        channels, seen = guided_channels(input_shape, self.data_format)
        self.normalize_x = normalization(self, "normalize_x", channels)
        self.normalize_guide = normalization(self, "normalize_guide", seen)
        if self.similarity == "inner":
            if channels != seen:
                raise ValueError(
                    "`similarity='inner'` needs a guide with as many channels as the input. "
                    f"Received: {seen} and {channels}. Use similarity='bilinear'."
                )
            return
        self.key = self._projection("key", channels, self.embedding)
        self.query = self._projection("query", seen, self.embedding)
        if self.similarity == "gated":
            self.query_x = self._projection("query_x", channels, self.embedding)
            self.gate = self._projection("gate", channels, 1)

    def _projection(self, name: str, channels: int, filters: int) -> Any:
        # An initializer of its own: Keras draws the same numbers again from one that is shared.
        start = keras.initializers.TruncatedNormal(stddev=0.02)
        return convolution(self, name, channels, filters, kernel_initializer=start)

    def call(self, inputs: Any) -> Any:
        x, guide = self.channels_last_pair(inputs)
        keys, queries = self.normalize_x(x), self.normalize_guide(guide)
        gate = self.gate(keys) if self.similarity == "gated" else None
        if self.similarity != "inner":
            keys, queries = self.key(keys), self.query(queries)
        blocks = pixel_unshuffle(queries, self.scale, data_format="channels_last")
        if gate is not None:
            gate = ops.sigmoid(gate)  # (N, H, W, 1)
            own = (1 - gate) * self.query_x(x)
            blocks = gate * blocks + ops.concatenate([own] * self.scale**2, axis=3)
        products = window_products(blocks, keys, self.kernel_size)  # (N·H·W, s², k²)
        y = weighted_windows(x, ops.softmax(products, axis=-1), self.scale)
        return from_channels_last(y, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "similarity": self.similarity,
            "embedding": self.embedding,
        }
