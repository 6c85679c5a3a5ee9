"""Image writers that take one row after another."""

import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ..files._durable import open_new

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _INDEXED = 0, 2, 3
_ALPHA = 4  # of the kind: the last channel is opacity
_NONE, _SUB = 0, 1
_LEVEL = 2  # of zlib: level 6 takes four times the time for an eighth of the size


class Writer(ABC):
    """Takes the rows of a picture from the top down; complete when its `with` block ends."""

    @abstractmethod
    def write(self, rows: np.ndarray) -> None:
        """The next rows."""

    @abstractmethod
    def _end(self, *, whole: bool) -> None:
        """Write what is still missing, if the rows are whole, and close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(whole=error is None)


class PngWriter(Writer):
    """A PNG: classes (H, W) uint8 with a palette, uint16 grey, or (H, W, C) uint8, grey or RGB.

    Args:
        path: the file.
        size: height and width.
        dtype: `uint8` or `uint16` (grey only).
        palette: RGB of each class; for class maps.
        channels: 3 for RGB, 2 and 4 with opacity.
        transparent: the class that is not to be seen, None for none.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        dtype: np.dtype | str = "uint8",
        *,
        palette: Sequence[tuple[int, int, int]] | None = None,
        channels: int = 1,
        transparent: int | None = None,
    ) -> None:
        height, width = size
        kind = _RGB if channels >= 3 else _GREY if palette is None else _INDEXED
        kind += _ALPHA if channels in (2, 4) else 0
        self._dtype = np.dtype(dtype)
        self._file = open_new(path)
        self._file.write(_SIGNATURE)
        bits = 8 * self._dtype.itemsize
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
        if palette is not None:
            self._chunk(b"PLTE", bytes(value for colour in palette for value in colour))
        if transparent is not None:
            alone = bytes([255] * transparent + [0])  # opacity by index
            self._chunk(b"tRNS", alone if palette else struct.pack(">H", transparent))
        self._deflate = zlib.compressobj(_LEVEL)
        self._samples = channels
        self._filter = _SUB if channels >= 3 else _NONE

    def write(self, rows: np.ndarray) -> None:
        """(h, W) or (h, W, 3): the next rows."""
        values = rows.astype(self._dtype.newbyteorder(">"), copy=False).reshape(rows.shape[0], -1)
        if self._filter == _SUB:  # each sample less the one of the pixel on its left
            less = values.copy()
            less[:, self._samples :] -= values[:, : -self._samples]
            values = less
        raw = np.ascontiguousarray(values).view("uint8")
        filtered = np.empty((raw.shape[0], raw.shape[1] + 1), "uint8")
        filtered[:, 0] = self._filter
        filtered[:, 1:] = raw
        self._chunk(b"IDAT", self._deflate.compress(filtered.data))

    def _chunk(self, kind: bytes, data: bytes) -> None:
        if kind == b"IDAT" and not data:
            return  # zlib holds back until it has enough
        self._file.write(struct.pack(">I", len(data)) + kind + data)
        self._file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))

    def _end(self, *, whole: bool) -> None:
        with self._file:
            if whole:
                self._chunk(b"IDAT", self._deflate.flush())
                self._chunk(b"IEND", b"")


class NpyWriter(Writer):
    """A NumPy file of float32, (H, W, K), to be opened with `np.load(path, mmap_mode="r")`."""

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self._file = open_new(path)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)

    def write(self, rows: np.ndarray) -> None:
        """(h, W, K): the next rows."""
        self._file.write(np.ascontiguousarray(rows, "<f4").data)

    def _end(self, *, whole: bool) -> None:
        self._file.close()
