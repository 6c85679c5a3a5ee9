"""The operations of a program, each as an equation with its algebra: a closed set.

Which layers of Keras, of ours and of `keras.ops` compute one, and which layer is written for it, is
said in `_keras_table`. Readers and writers of other formats have their place beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

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

    @property
    def changes_nothing(self) -> bool:
        """Whether y = x, so that no layer is needed."""
        return False


@dataclass(frozen=True)
class OfOne(Operation):
    """An operation on one tensor."""

    x: Tensor

    def on(self, x: Tensor) -> Self:
        """The same of another tensor."""
        return replace(self, x=x)


@dataclass(frozen=True)
class OfSeveral(Operation):
    """An operation on several tensors."""

    parts: Sequence[Tensor]

    @property
    def changes_nothing(self) -> bool:
        return len(self.parts) == 1


@dataclass(frozen=True)
class Opaque(OfSeveral):
    """Whatever no other operation says: the layer passes unharmed."""

    KIND: ClassVar[str] = "operation that rules know nothing of"

    @property
    def changes_nothing(self) -> bool:
        return False


@dataclass(frozen=True)
class Linear(OfOne):
    """y = act(K x + b): the kernel is applied in one way or another, the bias is one a filter.

    Attributes:
        kernel: see each kind; of Keras' variable or an array.
        bias: None for zeros.
        activation: Keras' function, None for the identity.
    """

    kernel: Any
    bias: Any = None
    activation: Any = None

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

    strides: Pair = (1, 1)
    pads: Pads | str = NONE
    dilation: Pair = (1, 1)
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

    scale: Pair = (1, 1)
    crop: Pads = NONE

    KIND: ClassVar[str] = "transposed convolution of one group, not dilated, channels last"

    def _kernel_by_filter(self, scale: np.ndarray) -> np.ndarray:
        return self.exact_kernel * scale[:, None]

    def _kernel_by_channel(self, scale: np.ndarray) -> np.ndarray:
        return self.exact_kernel * scale


@dataclass(frozen=True)
class Affine(OfOne):
    """y = scale x + shift, by channel; float64."""

    scale: np.ndarray
    shift: np.ndarray

    KIND: ClassVar[str] = "batch normalization or rescaling by channel"

    @property
    def changes_nothing(self) -> bool:
        return bool((self.scale == 1).all() and (self.shift == 0).all())


@dataclass(frozen=True)
class Activation(OfOne):
    """y = f(x).

    Attributes:
        function: Keras' function, None for the identity.
    """

    function: Any

    KIND: ClassVar[str] = "activation"

    @property
    def changes_nothing(self) -> bool:
        return self.function is None


@dataclass(frozen=True)
class Softmax(OfOne):
    """y = exp(x) / sum exp(x) along an axis."""

    axis: int = -1

    KIND: ClassVar[str] = "softmax"


@dataclass(frozen=True)
class Resize(OfOne):
    """A resize that treats every channel alike and leaves a constant as it is.

    Attributes:
        interpolation: "nearest", "bilinear", ...
        scale: whole factors, None where they are not.
    """

    interpolation: str
    scale: Pair | None

    KIND: ClassVar[str] = "resize"

    @property
    def changes_nothing(self) -> bool:
        return self.scale == (1, 1)


@dataclass(frozen=True)
class Shuffle(OfOne):
    """Depth to space."""

    scale: int
    order: str = "dcr"

    KIND: ClassVar[str] = "pixel shuffle"

    @property
    def changes_nothing(self) -> bool:
        return self.scale == 1


@dataclass(frozen=True)
class Unshuffle(OfOne):
    """Space to depth."""

    scale: int
    order: str = "dcr"

    KIND: ClassVar[str] = "pixel unshuffle"

    @property
    def changes_nothing(self) -> bool:
        return self.scale == 1


@dataclass(frozen=True)
class Pool(OfOne):
    """The largest or the mean value of each window.

    Attributes:
        kind: "max" or "mean".
        padding: "valid" or "same", as Keras has them.
    """

    kind: str
    size: Pair
    strides: Pair
    padding: str = "valid"

    KIND: ClassVar[str] = "pooling"


@dataclass(frozen=True)
class ZeroPadding(OfOne):
    """Zeros around a map."""

    pads: Pads

    KIND: ClassVar[str] = "padding with zeros"

    @property
    def changes_nothing(self) -> bool:
        return self.pads == NONE


@dataclass(frozen=True)
class Crop(OfOne):
    """A map without some rows and columns at its borders."""

    crop: Pads

    KIND: ClassVar[str] = "crop"

    @property
    def changes_nothing(self) -> bool:
        return self.crop == NONE


@dataclass(frozen=True)
class Reshape(OfOne):
    """The same values in the same order in another shape, without the batch."""

    shape: tuple[int | None, ...]

    KIND: ClassVar[str] = "reshape"


@dataclass(frozen=True)
class Concatenation(OfSeveral):
    """Several maps behind each other, along an axis: -1 the channels, 2 the columns."""

    axis: int = -1

    KIND: ClassVar[str] = "concatenation of channels"


@dataclass(frozen=True)
class Sum(OfSeveral):
    """y = a + b + ..."""

    KIND: ClassVar[str] = "sum"


@dataclass(frozen=True)
class Difference(OfSeveral):
    """y = a - b"""

    KIND: ClassVar[str] = "difference"


@dataclass(frozen=True)
class Product(OfSeveral):
    """y = a b ..., element by element."""

    KIND: ClassVar[str] = "product"


@dataclass(frozen=True)
class Interleaving(OfSeveral):
    """Maps of the phases of a block side by side, see `Interleave2D`: depth to space by copies.

    Attributes:
        parts: one with all phases as channels, or one for each row of a block.
    """

    scale: Pair

    KIND: ClassVar[str] = "interleaving"

    @property
    def changes_nothing(self) -> bool:
        return self.scale == (1, 1)
