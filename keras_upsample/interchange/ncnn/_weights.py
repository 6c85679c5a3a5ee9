"""ncnn's `.bin` file: the weights, one array after another in the order of the layers."""

import math
from collections.abc import Sequence

import numpy as np

from ._param import NcnnError

_HALF = 0x01306B47
_INT8 = 0x000D4B38
_FLOAT = 0x00000000
_MOST = 1 << 28  # elements of one array


class Weights:
    """Reads arrays off the front of a file.

    Args:
        content: the whole file.
    """

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._content) - self._place

    def tagged(self, *shape: int) -> np.ndarray:
        """An array behind a tag that says how it is stored: float32, or float16 padded to 4 bytes.

        Raises:
            NcnnError: it is stored in 8 bits, by a table or in another way, or the file ends.
        """
        tag = int(self._take(4, np.uint32)[0])
        if tag == _HALF:
            count = _count(shape)
            values = self._take(2 * count, np.float16)
            self._place += 2 * count % 4
            return _finite(values.astype("float32"), shape)
        if tag == _FLOAT:
            return self.plain(*shape)
        way = "in 8 bits" if tag == _INT8 else f"behind the tag {tag:#010x}"
        raise NcnnError(
            f"its weights are stored {way}; float32 and float16 are read. Use the net before it "
            "was quantized"
        )

    def plain(self, *shape: int) -> np.ndarray:
        """An array of float32 without a tag.

        Raises:
            NcnnError: the file ends before it.
        """
        return _finite(self._take(4 * _count(shape), np.float32), shape)

    def _take(self, size: int, kind: type) -> np.ndarray:
        if size > self.left:
            raise NcnnError(
                f"the weights end {size - self.left:,} bytes before its own do: the `.bin` file "
                "was cut, or is another net's"
            )
        begin, self._place = self._place, self._place + size
        return np.frombuffer(self._content[begin : self._place], np.dtype(kind).newbyteorder("<"))


def _count(shape: Sequence[int]) -> int:
    count = math.prod(shape)
    if min(shape) < 1 or count > _MOST:
        raise NcnnError(f"weights of the shape {tuple(shape)}: the `.param` file is damaged")
    return count


def _finite(values: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    if not np.isfinite(values).all():
        raise NcnnError("its weights hold NaN or infinity: the `.bin` file is damaged")
    return values.reshape(shape).astype("float32")
