"""The table of operations: which layers of Keras one is read from, and which is written for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from . import _array_operations as arrays
from . import _keras_reader as reader
from . import _keras_writer as writer
from . import _operations as operations
from . import _resize_like as resize_like
from ._graph import Node
from ._operations import Opaque, Operation


@dataclass(frozen=True)
class InKeras:
    """An operation in Keras.

    Attributes:
        read: a node -> the operation, None where it is another.
        write: (emitter, operation, name of the layer) -> the tensor.
    """

    read: Callable[[Node], Any]
    write: Callable[[Any, Any, str], Any]


TABLE: Mapping[type[Operation], InKeras] = MappingProxyType(
    {
        operations.Convolution: InKeras(reader.convolution_of, writer.convolution),
        operations.Transposed: InKeras(reader.transposed_of, writer.transposed),
        operations.Dense: InKeras(reader.dense_of, writer.dense),
        operations.Affine: InKeras(reader.affine_of, writer.affine),
        operations.Activation: InKeras(reader.activation_at, writer.activation),
        operations.Softmax: InKeras(reader.softmax_of, writer.softmax),
        operations.Resize: InKeras(reader.resize_of, writer.resize),
        resize_like.ResizeLike: InKeras(
            resize_like.read_resize_like, resize_like.write_resize_like
        ),
        operations.Shuffle: InKeras(reader.shuffle_of, writer.shuffle),
        operations.Unshuffle: InKeras(reader.unshuffle_of, writer.unshuffle),
        operations.Pool: InKeras(reader.pool_of, writer.pool),
        operations.ZeroPadding: InKeras(reader.zero_padding_of, writer.zero_padding),
        operations.Crop: InKeras(reader.crop_of, writer.crop),
        operations.Reshape: InKeras(reader.reshape_of, writer.reshape),
        operations.Concatenation: InKeras(reader.concatenation_of, writer.concatenation),
        operations.Sum: InKeras(reader.sum_of, writer.total),
        operations.Difference: InKeras(reader.difference_of, writer.difference),
        operations.Product: InKeras(reader.product_of, writer.product),
        operations.Interleaving: InKeras(reader.interleaving_of, writer.interleaving),
        arrays.Transpose: InKeras(arrays.read_transpose, arrays.write_transpose),
        arrays.Reduction: InKeras(arrays.read_reduction, arrays.write_reduction),
        arrays.MatrixProduct: InKeras(arrays.read_matrix_product, arrays.write_matrix_product),
        arrays.Gather: InKeras(arrays.read_gather, arrays.write_gather),
    }
)


def operation_of(node: Node) -> Operation:
    """What a node computes; `Opaque` where the table has no name for it."""
    for entry in TABLE.values():
        found = entry.read(node)
        if found is not None:
            return found
    return Opaque(node.inputs)
