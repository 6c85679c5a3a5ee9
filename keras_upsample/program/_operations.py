"""The operations that rules know, each as an equation with its algebra.

Which layer of Keras or of ours computes one is said in `_views`; `_emit` writes layers for them.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ._graph import Tensor

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]

NONE: Pads = ((0, 0), (0, 0))


@dataclass(frozen=True)
class Operation:
    """What a node computes.

    Attributes:
        KIND: the operation in words, for reasons.
    """

    KIND: ClassVar[str]


@dataclass(frozen=True)
class Linear(Operation):
    """y = act(K x + b): the kernel is applied in one way or another, the bias is one a filter.

    Attributes:
        kernel: see each kind; of Keras' variable or an array.
        bias: None for zeros.
        activation: Keras' function, None for the identity.
    """

    x: Tensor
    kernel: Any
    bias: Any
    activation: Any

    @property
    def exact_kernel(self) -> np.ndarray:
        """In float64."""
        return np.asarray(self.kernel, "float64")

    @property
    def exact_bias(self) -> np.ndarray | None:
        """In float64, None for zeros."""
        return None if self.bias is None else np.asarray(self.bias, "float64")

    def scaled(self, scale: np.ndarray, shift: np.ndarray | None = None) -> Any:
        """s (K x + b) + t = (s K) x + (s b + t), before the activation.

        Args:
            scale: (filters,)
            shift: (filters,); None for zeros.
        """
        bias = None if self.exact_bias is None else scale * self.exact_bias
        scaled = replace(self, kernel=self._kernel_by_filter(scale), bias=bias)
        return scaled if shift is None else scaled.shifted(shift)

    def shifted(self, shift: np.ndarray) -> Any:
        """K x + (b + t), before the activation; t of (filters,)."""
        bias = self.exact_bias
        return replace(self, bias=shift if bias is None else bias + shift)

    def reading(self, scale: np.ndarray) -> Any:
        """K (s x) = (K s) x.

        Args:
            scale: (channels of x,)
        """
        return replace(self, kernel=self._kernel_by_channel(scale))

    def _kernel_by_filter(self, scale: np.ndarray) -> np.ndarray:
        return self.exact_kernel * scale

    def _kernel_by_channel(self, scale: np.ndarray) -> np.ndarray:
        return self.exact_kernel * scale[:, None]


@dataclass(frozen=True)
class Dense(Linear):
    """y = act(x K + b) on the last axis, K of (in, out)."""

    KIND: ClassVar[str] = "dense layer"


@dataclass(frozen=True)
class Convolution(Linear):
    """y = act(K * x + b), zeros outside.

    Attributes:
        kernel: (rows, columns, in, out); for depthwise (rows, columns, in, multiplier).
        pads: ((top, bottom), (left, right)), or "same" where these depend on an open size.
    """

    strides: Pair
    pads: Pads | str
    dilation: Pair
    depthwise: bool = False

    KIND: ClassVar[str] = "convolution of one group, channels last"

    @property
    def size(self) -> Pair:
        return int(self.kernel.shape[0]), int(self.kernel.shape[1])

    @property
    def pointwise(self) -> bool:
        plain = self.strides == (1, 1) and self.pads in (NONE, "same") and not self.depthwise
        return plain and self.size == (1, 1)

    def of_constant(self, values: np.ndarray) -> np.ndarray:
        """K * t for an image of one value t a channel, where no zeros are met: (filters,)."""
        terms = "hwio,i->io" if self.depthwise else "hwio,i->o"
        return np.einsum(terms, self.exact_kernel, values).ravel()

    def _kernel_by_filter(self, scale: np.ndarray) -> np.ndarray:
        kernel = self.exact_kernel
        return kernel * (scale.reshape(kernel.shape[2:]) if self.depthwise else scale)


@dataclass(frozen=True)
class Transposed(Linear):
    """y[o] = act(sum_i x[i] K[o + begin - s i] + b), K of (rows, columns, out, in)."""

    scale: Pair
    crop: Pads

    KIND: ClassVar[str] = "transposed convolution of one group, not dilated, channels last"

    def _kernel_by_filter(self, scale: np.ndarray) -> np.ndarray:
        return self.exact_kernel * scale[:, None]

    def _kernel_by_channel(self, scale: np.ndarray) -> np.ndarray:
        return self.exact_kernel * scale


@dataclass(frozen=True)
class Affine(Operation):
    """y = scale x + shift, by channel or for all alike; float64."""

    x: Tensor
    scale: np.ndarray
    shift: np.ndarray

    KIND: ClassVar[str] = "batch normalization or rescaling by channel"


@dataclass(frozen=True)
class Resize(Operation):
    """A resize that treats every channel alike and leaves a constant as it is.

    Attributes:
        interpolation: "nearest", "bilinear", ...
        scale: whole factors, None where they are not.
    """

    x: Tensor
    interpolation: str
    scale: Pair | None

    KIND: ClassVar[str] = "resize"


@dataclass(frozen=True)
class Shuffle(Operation):
    """Depth to space."""

    x: Tensor
    scale: int
    order: str

    KIND: ClassVar[str] = "pixel shuffle"


@dataclass(frozen=True)
class Concatenation(Operation):
    """The channels of several maps behind each other."""

    parts: list[Tensor]

    KIND: ClassVar[str] = "concatenation of channels"


@dataclass(frozen=True)
class ZeroPadding(Operation):
    """Zeros around a map."""

    x: Tensor
    pads: Pads

    KIND: ClassVar[str] = "padding with zeros"
