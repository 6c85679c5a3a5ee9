"""Joint bilateral upsampling."""

import math
from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import computing_type, from_channels_last, to_channels_last
from ..ops._joint_bilateral import upsample_by_guide
from ._guided import Guided2D
from ._pair import GUIDED, check_pair


@keras.saving.register_keras_serializable(package="keras_upsample")
class JointBilateralUpSampling2D(Guided2D):
    """Upsamples by a mean of nearby pixels, weighted by their similarity in a guide image.

    y[p] = sum over q of w(p, q) x[q] / sum over q of w(p, q), with
    w(p, q) = exp(−|u(p) − q|²/(2 σs²)) · exp(−|G[p] − g[q]|²/(2 σr²)).

    u is the half-pixel source coordinate; q runs over the (2r + 1)² pixels around floor(p/s) that
    lie inside the image; G is the guide, which has the output's size; g is its mean over the s x s
    block of each input pixel; |·| is the Euclidean length, over both axes and over the guide's
    channels. An edge in the guide stays sharp: x = `0 1` with the guide `0 0 1 1` -> `0 0 1 1`; a
    constant guide gives a Gaussian.

    Input: [x, guide], (N, H, W, C) and (N, s·H, s·W, D); channels second for "channels_first".
    Output: (N, s·H, s·W, C), in the layer's compute dtype; weights are computed in float32 (in
    float64 under a float64 policy).

    Args:
        scale: factor s, the same for rows and columns, >= 1.
        radius: r, in pixels of `x`, >= 1; the authors' 2.
        spatial_sigma: σs, in pixels of `x`, > 0; the authors' 0.5.
        range_sigma: σr, in the guide's units, > 0; the authors' 0.1 is for images in [0, 1].
        learnable: whether both sigmas are trained, as two scalar weights (their logarithms).
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs other than two of 4 axes; a guide that is not
            s times as large, if its size is known.

    Reference: Kopf et al., Joint bilateral upsampling, SIGGRAPH 2007, section 3. (The paper reads
    the guide at single pixels; this layer takes the block's mean.)
    """

    def __init__(
        self,
        scale: int = 2,
        radius: int = 2,
        *,
        spatial_sigma: float = 0.5,
        range_sigma: float = 0.1,
        learnable: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scale, data_format, **kwargs)
        self.radius = arguments.integer(radius, "radius")
        self.spatial_sigma = arguments.positive(spatial_sigma, "spatial_sigma")
        self.range_sigma = arguments.positive(range_sigma, "range_sigma")
        self.learnable = bool(learnable)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)
        if self.learnable:
            self.log_spatial_sigma = self._log_sigma("log_spatial_sigma", self.spatial_sigma)
            self.log_range_sigma = self._log_sigma("log_range_sigma", self.range_sigma)

    def _log_sigma(self, name: str, start: float) -> Any:
        initializer = keras.initializers.Constant(math.log(start))
        return self.add_weight(name=name, shape=(), initializer=initializer)

    def call(self, inputs: Any) -> Any:
        x, guide = check_pair(inputs, "inputs", GUIDED)
        x = to_channels_last(ops.cast(x, self.compute_dtype), self.data_format)
        guide = to_channels_last(guide, self.data_format)
        if self.learnable:
            logs = (self.log_spatial_sigma, self.log_range_sigma)
            kind = computing_type(x)
            spatial, near = (0.5 * ops.exp(-2 * ops.cast(log, kind)) for log in logs)
        else:
            spatial, near = self.spatial_sigma**-2 / 2, self.range_sigma**-2 / 2
        y = upsample_by_guide(x, guide, self.scale, self.radius, spatial, near)
        return from_channels_last(y, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "radius": self.radius,
            "spatial_sigma": self.spatial_sigma,
            "range_sigma": self.range_sigma,
            "learnable": self.learnable,
        }
