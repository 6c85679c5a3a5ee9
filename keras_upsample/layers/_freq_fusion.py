"""FreqFusion: low frequencies of the decoder's features and high frequencies of the encoder's."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import from_channels_last, part
from ..ops._frequency import neighbour_cosines, windowed_kernels
from ..ops._point_sample import check_groups, sample
from ..ops._point_windows import WINDOW
from ..ops._reassemble import weighted_windows
from ..ops._shuffle import pixel_shuffle
from ._guided import Guided2D
from ._inner import convolution, group_normalization
from ._pair import guided_channels, guided_shape
from ._scaled import Shape


@keras.saving.register_keras_serializable(package="keras_upsample")
class FreqFusion2D(Guided2D):
    """Smooths and enlarges x, sharpens its guide, and moves pixels to where their neighbours agree.

    With c = P x and d = Q G (1x1 convolutions to few channels), convolutions L and H to the logits
    of low-pass and high-pass kernels, and R(x, z), the sum of the window of x with the softmax of
    z + log h, h Hamming's window (at the size of z, as in CARAFE2D):

    d' = 2 d − R(d, H d);  z = L d' + R(L c, L d');  t = H d + R(H c, z)
    enlarged: y[p] = R(x, z)[p + s·o(p)], bilinear between pixels, indices clamped
    sharpened: G + (G − R(G, t))

    The offsets o = A · sigmoid(B), each the sum of a convolution of d' and of a shuffled one of c,
    both after group normalization and with the cosines between a pixel and its 8 neighbours at a
    distance of 2. Pixels outside count as zeros in R. With the initial weights the sharpened guide
    is close to 2 G minus its mean under Hamming's window, and o is close to 0.

    Input: [x, guide], (N, H, W, C) and (N, s·H, s·W, D); channels second for "channels_first". x
    are the decoder's features, the guide the encoder's at the doubled size.
    Output: [enlarged, sharpened], (N, s·H, s·W, C) and (N, s·H, s·W, D), to be joined.
    Weights: with bias, `compress_guide` Q, `compress_x` P, `low_pass` L to lowpass_kernel²
    channels, `high_pass` H to highpass_kernel²; with `resample` gamma and beta of two
    normalizations, `offset_x` and `scope_x` to 2·s²·g channels, `offset_guide` and `scope_guide` to
    2·g. Channel q of the latter moves group q by rows, g + q by columns; the former have 2·g such
    channels for the output pixel (a, b) of a block, from (a·s + b)·2·g on.

    Args:
        scale: factor s, the same for rows and columns, >= 1; the paper's 2.
        lowpass_kernel, highpass_kernel: sizes of the kernels, odd, >= 3; the paper's 5 and 3.
        compressed: number of channels of c and d, a multiple of 8.
        encoder_kernel: size of the kernels of L, H and the offsets' convolutions, odd.
        resample: whether pixels are moved (the paper's offset generator).
        groups: number g of groups of neighbouring channels that move together; must divide C.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs other than two of 4 axes, or with unknown
            channels; a guide that is not s times as large, if its size is known.

    Reference: Chen et al., Frequency-aware Feature Fusion for Dense Image Prediction, TPAMI 2024,
    section 4, https://arxiv.org/abs/2408.12879. As in the authors' code
    (Linwei-Chen/FreqFusion) with its defaults and `feature_resample`; zeros outside are those of
    the CARAFE operator that it uses.
    """

    def __init__(
        self,
        scale: int = 2,
        *,
        lowpass_kernel: int = 5,
        highpass_kernel: int = 3,
        compressed: int = 64,
        encoder_kernel: int = 3,
        resample: bool = True,
        groups: int = 4,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scale, data_format, **kwargs)
        self.lowpass_kernel = arguments.odd(lowpass_kernel, "lowpass_kernel")
        self.highpass_kernel = arguments.odd(highpass_kernel, "highpass_kernel")
        for name in ("lowpass_kernel", "highpass_kernel"):
            arguments.integer(getattr(self, name), name, minimum=3)
        self.compressed = arguments.integer(compressed, "compressed")
        if self.compressed % 8:
            raise ValueError(
                "`compressed` must be a multiple of 8, for groups of 8 channels are normalized. "
                f"Received: {compressed!r}. Use {max(8, round(self.compressed / 8) * 8)}."
            )
        self.encoder_kernel = arguments.odd(encoder_kernel, "encoder_kernel")
        self.resample = bool(resample)
        self.groups = arguments.integer(groups, "groups")
        self.window = WINDOW  # for targets without gathers, see `sample_windows`

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)
        channels, seen = guided_channels(input_shape, self.data_format)
        self.compress_guide = convolution(self, "compress_guide", seen, self.compressed)
        self.compress_x = convolution(self, "compress_x", channels, self.compressed)
        self.low_pass = self._small("low_pass", self.compressed, self.lowpass_kernel**2)
        self.high_pass = self._small("high_pass", self.compressed, self.highpass_kernel**2)
        if not self.resample:
            return
        check_groups(channels, self.groups)
        for side, phases in (("guide", 1), ("x", self.scale**2)):
            norm = group_normalization(
                self, f"normalize_{side}", self.compressed, self.compressed // 8
            )
            moves, features = 2 * phases * self.groups, self.compressed + 8
            offset = self._small(f"offset_{side}", features, moves)
            scope = self._convolution(f"scope_{side}", features, moves, "zeros")
            for name, layer in (("normalize", norm), ("offset", offset), ("scope", scope)):
                setattr(self, f"{name}_{side}", layer)

    def _small(self, name: str, channels: int, filters: int) -> Any:
        start = keras.initializers.RandomNormal(stddev=0.001)
        return self._convolution(name, channels, filters, start)

    def _convolution(self, name: str, channels: int, filters: int, start: Any) -> Any:
        return convolution(
            self, name, channels, filters, self.encoder_kernel, kernel_initializer=start
        )

    def call(self, inputs: Any) -> Any:
        x, guide = self.channels_last_pair(inputs)
        y, guide, low, high = self._filtered(x, guide)
        if self.resample:
            y = sample(y, *self._offsets(low, high), 1, self.groups, self.window)
        return tuple(from_channels_last(value, self.data_format) for value in (y, guide))

    def _filtered(self, x: Any, guide: Any) -> tuple[Any, Any, Any, Any]:
        """x enlarged, the guide sharpened, c and d' of the docstring."""
        low, high = self.compress_x(x), self.compress_guide(guide)
        first = self.high_pass(high)
        high = _sharpened(high, first)
        smooth = self.low_pass(high)
        kernels = windowed_kernels(smooth, self.scale)
        smooth = smooth + weighted_windows(self.low_pass(low), kernels, self.scale)
        kernels = windowed_kernels(smooth, self.scale)
        taps = self.highpass_kernel**2
        both = ops.concatenate([self.high_pass(low), x], axis=3)  # one sum of windows for two
        both = weighted_windows(both, kernels, self.scale)
        guide = _sharpened(guide, first + part(both, 3, 0, taps))
        return part(both, 3, taps, None), guide, low, high

    def points(self, x: Any, guide: Any) -> tuple[Any, Any]:
        """How far the points lie from their pixels, in pixels of the output: two (N, sH, sW, g).

        x and guide: channels last, of a layer with `resample`.
        """
        return self._offsets(*self._filtered(x, guide)[2:])

    def _offsets(self, low: Any, high: Any) -> tuple[Any, Any]:
        low, high = self.normalize_x(low), self.normalize_guide(high)
        low = ops.concatenate([low, neighbour_cosines(low)], axis=3)
        high = ops.concatenate([high, neighbour_cosines(high)], axis=3)

        def joined(coarse: Any, fine: Any) -> Any:
            return fine + pixel_shuffle(coarse, self.scale, "dcr", data_format="channels_last")

        moves = joined(self.offset_x(low), self.offset_guide(high))
        scope = joined(self.scope_x(low), self.scope_guide(high))
        moves = moves * ops.sigmoid(scope) * self.scale
        return part(moves, 3, 0, self.groups), part(moves, 3, self.groups, None)

    def compute_output_shape(self, input_shape: Any) -> tuple[Shape, Shape]:
        return guided_shape(input_shape, self.scale, self.data_format), tuple(input_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lowpass_kernel": self.lowpass_kernel,
            "highpass_kernel": self.highpass_kernel,
            "compressed": self.compressed,
            "encoder_kernel": self.encoder_kernel,
            "resample": self.resample,
            "groups": self.groups,
        }


def _sharpened(x: Any, logits: Any) -> Any:
    """An image and what its low-pass kernels leave out of it."""
    return x + (x - weighted_windows(x, windowed_kernels(logits, 1), 1))
