"""Max unpooling."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._align import fit, pad_to
from ..ops._max_pool import check_indices, check_unpooled_length, unpool
from ._scaled import Shape, scaled_shape

_WHAT = "[x, indices] or [x, indices, like]"


@keras.saving.register_keras_serializable(package="keras_upsample")
class MaxUnpooling2D(keras.layers.Layer):
    """Puts each value at the position of its window's maximum, and zeros elsewhere.

    y[s·i + a, s·j + b, c] = x[i, j, c] where indices[i, j, c] = a·s + b, else 0:
    `3` with the index `1` -> `0 3 / 0 0`. Undoes MaxPoolingWithIndices2D, except that the smaller
    values are lost.

    Input: [x, indices], both (N, h, w, C), as MaxPoolingWithIndices2D returns them; channels second
    for "channels_first". A third input, the tensor that was pooled, gives the height and width.
    Output: (N, s·h, s·w, C), (N, *size, C), or the height and width of the third input. If s does
    not divide these, zeros are added at the end.

    Args:
        pool_size: s, >= 1.
        size: rows and columns of the output, s·h <= rows < s·h + s, or None.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs other than two or three of 4 axes; indices of
            another shape; a size that pooling would not reduce to x's.

    Reference: Badrinarayanan, Kendall and Cipolla, SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation, 2017, section 3, https://arxiv.org/abs/1511.00561
    """

    def __init__(
        self,
        pool_size: int = 2,
        size: int | tuple[int, int] | None = None,
        *,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size = arguments.integer(pool_size, "pool_size")
        self.size = None if size is None else arguments.pair(size, "size")
        self.data_format = arguments.data_format_of(data_format)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def _inputs(self, inputs: Any) -> tuple[Any, Any, Any]:
        """Return x, indices and the third input or None; the inputs may be tensors or shapes."""
        if not isinstance(inputs, list | tuple) or len(inputs) not in (2, 3):
            known = isinstance(inputs, list | tuple)
            received = f"{len(inputs)} of them" if known else repr(inputs)
            raise ValueError(f"`inputs` must be the list {_WHAT}. Received: {received}.")
        like = inputs[2] if len(inputs) == 3 else None
        if like is not None and self.size is not None:
            raise ValueError(
                f"`size`={self.size} and a third input must not both say how large the output is. "
                "Drop one of them."
            )
        return inputs[0], inputs[1], like

    def call(self, inputs: Any) -> Any:
        x, indices, like = self._inputs(inputs)
        x = ops.cast(x, self.compute_dtype)
        y = unpool(x, indices, self.pool_size, self.data_format)
        if like is not None:
            return fit(y, like, self.data_format)
        return y if self.size is None else pad_to(y, self.size, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        x, indices, like = self._inputs(input_shape)
        arguments.check_rank(indices, "indices")
        shape = list(scaled_shape(tuple(x), self.pool_size, self.data_format))
        check_indices(tuple(x), tuple(indices))
        axes = arguments.spatial_axes(self.data_format)
        if like is not None:
            arguments.check_rank(like, "like")
            name, target = "like", [like[axis] for axis in axes]
        elif self.size is not None:
            name, target = "size", list(self.size)
        else:
            return tuple(shape)
        for axis, wanted in zip(axes, target, strict=True):
            check_unpooled_length(wanted, x[axis], self.pool_size, name)
            shape[axis] = wanted
        return tuple(shape)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        shape = self.compute_output_shape([value.shape for value in inputs])
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "size": self.size,
            "data_format": self.data_format,
        }
