"""AnyUp: features of any network, enlarged to the size of the image by window attention."""

from typing import Any

import keras
import numpy as np
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import at_least, from_channels_last, is_half, reshape
from ..ops._window_attention import attend, known_size, share
from ._guided import Guided2D
from ._inner import convolution, group_normalization
from ._pair import guided_channels, guided_shape
from ._scaled import Shape

_GROUPS = 8  # of channels that are normalized together


@keras.saving.register_keras_serializable(package="keras_upsample")
class AnyUp2D(Guided2D):
    """Enlarges the features of any network to the size of the image that they were made of.

    y[p] = sum over q of A(p, q) x[q], the attention of `ops.window_attention` with queries from the
    image G and keys from the image and x. The channels of x are not mixed, and no weight depends on
    how many there are, so that one trained layer fits every network.

    With encoders E (a convolution and two residual blocks of normalization, SiLU and 1x1
    convolution, twice) and e = the encoded image, turned by rotary positions:

    queries: Wq norm(K * Eq(e)), K a 3x3 convolution
    keys: Wk norm(Ea([mean of Ek(e) over s x s, U(x)])), Ea with 3x3 reflection at its border
    U(x) = two residual blocks of the mean over channels c of softmax over b of (B_b * x_c / |x|)

    B are `embedding` kernels that every channel sees alone; B_b * x is divided by the number
    of taps that lie inside. norm is that of the root mean square.

    Input: [x, guide], (N, H, W, C) and (N, s·H, s·W, D), of known heights and widths, H, W >= 2;
    channels second for "channels_first". x are features, the guide the image.
    Output: (N, s·H, s·W, C).

    Args:
        scale: factor s, the same for rows and columns, >= 1; a vision transformer's patch size.
        embedding: number of channels of queries and keys, a multiple of 8 and of 4·heads.
        heads: number of attention heads; their weights are averaged.
        window_ratio: half of the window as a share of the features' size, in (0, 1].
        basis_kernel: size of the kernels B, odd.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs other than two of 4 axes, of unknown size or
            channels; a guide that is not s times as large.

    Reference: Wimmer et al., AnyUp: Universal Feature Upsampling, 2025, section 3,
    https://arxiv.org/abs/2510.12764. The architecture of the authors' code (wimmerth/anyup, CC BY
    4.0) at whole factors and the image's own size, with its defaults; no trained weights.
    """

    def __init__(
        self,
        scale: int = 16,
        *,
        embedding: int = 128,
        heads: int = 4,
        window_ratio: float = 0.1,
        basis_kernel: int = 5,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scale, data_format, **kwargs)
        self.embedding = arguments.integer(embedding, "embedding")
        self.heads = arguments.integer(heads, "heads")
        if self.embedding % _GROUPS or self.embedding % self.heads:
            raise ValueError(
                f"`embedding` must be a multiple of {_GROUPS} and of `heads`. Received: "
                f"{embedding!r} with heads={heads!r}. Use 128 with heads=4."
            )
        self.window_ratio = share(window_ratio, "window_ratio")
        self.basis_kernel = arguments.odd(basis_kernel, "basis_kernel")

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)
        _, seen = guided_channels(input_shape, self.data_format)
        width = self.embedding
        self.image_in = self._plain("image_in", seen)
        self.image_blocks = self._blocks("image")
        self.query_in = self._plain("query_in", width)
        self.query_blocks = self._blocks("query")
        self.key_in = self._plain("key_in", width)
        self.key_blocks = self._blocks("key")
        self.feature_blocks = self._blocks("feature")
        self.join = self._plain("join", 2 * width, 3, padding="valid")
        self.join_blocks = self._blocks("join")
        self.query_conv = self._plain("query_conv", width, 3)
        self.query_norm, self.key_norm = (
            keras.layers.RMSNormalization(
                epsilon=float(np.finfo("float32").eps), dtype=self.dtype_policy, name=name
            )
            for name in ("query_norm", "key_norm")
        )
        for norm in (self.query_norm, self.key_norm):
            norm.build((None, None, None, width))
        self.query = convolution(self, "query", width, width)
        self.key = convolution(self, "key", width, width)
        self.basis = self.add_weight(
            name="basis",
            shape=(self.basis_kernel, self.basis_kernel, 1, width),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )
        self.frequencies = self.add_weight(
            name="frequencies", shape=(2, width), initializer=_frequencies
        )

    def _plain(self, name: str, channels: int, size: int = 1, **options: Any) -> Any:
        return convolution(self, name, channels, self.embedding, size, use_bias=False, **options)

    def _blocks(self, name: str) -> list[Any]:
        """Two residual blocks: normalization and convolution, twice each."""
        width = self.embedding
        return [
            part
            for k in range(4)
            for part in (
                group_normalization(self, f"{name}_norm{k}", width, _GROUPS),
                self._plain(f"{name}_conv{k}", width),
            )
        ]

    def call(self, inputs: Any) -> Any:
        x, guide = self.channels_last_pair(inputs)
        image = self._turned(_residual(self.image_blocks, self.image_in(guide)))
        queries = _residual(self.query_blocks, self.query_in(image))
        queries = self.query(self.query_norm(self.query_conv(queries)))
        keys = _residual(self.key_blocks, self.key_in(image))
        keys = ops.average_pool(keys, self.scale, self.scale, data_format="channels_last")
        keys = ops.concatenate([keys, self._unified(x)], axis=3)
        keys = self.join(ops.pad(keys, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect"))
        keys = self.key(self.key_norm(_residual(self.join_blocks, keys)))
        y = attend(queries, keys, x, self.scale, self.heads, self.window_ratio)
        return from_channels_last(y, self.data_format)

    def _turned(self, image: Any) -> Any:
        """Rotary positions: x cos + [-x_2, x_1] sin, of halves x_1, x_2 of the channels."""
        rows, columns = known_size(image.shape[1:3])
        lines = np.linspace(0, 1, rows), np.linspace(0, 1, columns)
        places = np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(1, rows * columns, 2)
        places = ops.convert_to_tensor(places, dtype=image.dtype)
        angles = ops.matmul(places, ops.cast(self.frequencies, image.dtype))
        angles = ops.reshape(angles, (1, rows, columns, self.embedding))
        half = self.embedding // 2
        turned = ops.concatenate([-image[..., half:], image[..., :half]], axis=3)
        return image * ops.cos(angles) + turned * ops.sin(angles)

    def _unified(self, x: Any) -> Any:
        """U(x): (N, H, W, embedding)."""
        rows, columns = known_size(x.shape[1:3])
        channels, size = x.shape[3], self.basis_kernel
        squares = ops.sum(x * x, axis=3, keepdims=True)
        x = x * ops.rsqrt(at_least(squares, 1e-6 if is_half(x) else 1e-24))
        x = ops.transpose(x, (0, 3, 1, 2))  # (N, C, H, W)
        x = ops.reshape(x, (-1, rows, columns, 1))  # (N·C, H, W, 1)
        basis = ops.cast(self.basis, x.dtype)
        seen = ops.conv(x, basis, padding="same", data_format="channels_last")
        inside = _inside(rows, size)[:, None] * _inside(columns, size)
        shares = ops.convert_to_tensor(1 / inside[None, :, :, None], dtype=x.dtype)
        weights = ops.softmax(seen * shares, axis=-1)  # (N·C, H, W, embedding)
        weights = reshape(weights, (-1, channels, rows * columns, self.embedding))
        unified = ops.reshape(ops.mean(weights, axis=1), (-1, rows, columns, self.embedding))
        return _residual(self.feature_blocks, unified)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        result = guided_shape(input_shape, self.scale, self.data_format)
        axes = arguments.spatial_axes(self.data_format)
        size = known_size([input_shape[0][axis] for axis in axes])
        known_size([input_shape[1][axis] for axis in axes])
        if min(size) < 2:
            raise ValueError(
                f"`x` must have at least 2 rows and columns, which are reflected. Received: {size}."
            )
        return result

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "embedding": self.embedding,
            "heads": self.heads,
            "window_ratio": self.window_ratio,
            "basis_kernel": self.basis_kernel,
        }


def _residual(layers: list[Any], x: Any) -> Any:
    """x and what a block adds to it, block after block."""
    for k in range(0, len(layers), 4):
        y = x
        for norm, conv in (layers[k : k + 2], layers[k + 2 : k + 4]):
            y = conv(ops.silu(norm(y)))
        x = x + y
    return x


def _inside(length: int, size: int) -> np.ndarray:
    """How many of a kernel's taps lie inside, by place."""
    return np.convolve(np.ones(length), np.ones(size), "full")[size // 2 :][:length]


def _frequencies(shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Of rows in the first half of the channels, of columns in the second: 2π 100^(0 .. -1)."""
    width = shape[1]
    line = 2 * np.pi * 100.0 ** np.linspace(0, -1, width // 4)
    both = np.zeros(shape)
    both[0, : width // 2] = both[1, width // 2 :] = np.tile(line, 2)
    return ops.convert_to_tensor(both, dtype=dtype)
