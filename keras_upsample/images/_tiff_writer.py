"""A tiled TIFF, written row by row."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files._durable import open_new
from ._writers import Writer

_TILE = 256
_LEVEL = 2  # of zlib, as in PNG
_CLASSIC = 3 * 2**30
"""Bytes of pixels up to which a file is a classic TIFF, which ends at 4 GiB; above, a BigTIFF."""

_SIZES = {"s": 1, "H": 2, "I": 4, "Q": 8, "d": 8}
_CODES = {"s": 2, "H": 3, "I": 4, "Q": 16, "d": 12}
_GREY, _RGB, _INDEXED = 1, 2, 3
_DEFLATE, _PREDICTED, _UNASSOCIATED = 8, 2, 2

Tag = tuple[int, str, Any]


class TiffWriter(Writer):
    """A TIFF of 256x256 tiles, deflated: (h, W) or (h, W, C) rows of uint8, uint16 or float32.

    What is in memory is one row of tiles. The tiles come first and the tags last, as in TIFF they
    may.

    Args:
        path: the file.
        size: height and width.
        dtype: of the values.
        channels: of them, the opacity included.
        palette: RGB of each class of an indexed picture.
        alpha: whether the last channel is opacity.
        tags: further ones: number, type ("s" text, "H", "d") and values.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        dtype: np.dtype | str = "uint8",
        *,
        channels: int = 1,
        palette: Sequence[tuple[int, int, int]] | None = None,
        alpha: bool = False,
        tags: Sequence[Tag] = (),
    ) -> None:
        self._size, self._dtype = size, np.dtype(dtype)
        self._channels, self._palette, self._alpha, self._tags = channels, palette, alpha, tags
        self._big = size[0] * size[1] * channels * self._dtype.itemsize > _CLASSIC
        self._places: list[int] = []
        self._lengths: list[int] = []
        self._waiting = np.empty((0, size[1], channels), self._dtype)
        self._file = open_new(path)
        self._file.write(
            b"II" + (struct.pack("<HHHQ", 43, 8, 0, 0) if self._big else b"*\0\0\0\0\0")
        )

    def write(self, rows: np.ndarray) -> None:
        """(h, W) or (h, W, C): the next rows."""
        new = rows.astype(self._dtype, copy=False).reshape(len(rows), self._size[1], self._channels)
        start = 0
        if len(self._waiting):
            start = min(_TILE - len(self._waiting), len(new))
            self._waiting = np.concatenate([self._waiting, new[:start]])
            if len(self._waiting) < _TILE:
                return
            self._write_tiles(self._waiting)
        while len(new) - start >= _TILE:
            self._write_tiles(new[start : start + _TILE])
            start += _TILE
        self._waiting = new[start:].copy()

    def _write_tiles(self, band: np.ndarray) -> None:
        """Up to 256 rows."""
        for left in range(0, self._size[1], _TILE):
            part = band[:, left : left + _TILE]
            tile = np.zeros((_TILE, _TILE, self._channels), self._dtype)
            tile[: part.shape[0], : part.shape[1]] = part
            if self._is_predicted:  # each sample less the one of the pixel on its left
                tile[:, 1:] -= tile[:, :-1].copy()
            data = zlib.compress(tile.astype(self._dtype.newbyteorder("<")).tobytes(), _LEVEL)
            self._places.append(self._file.tell())
            self._lengths.append(len(data))
            self._file.write(data)

    @property
    def _is_predicted(self) -> bool:
        return self._palette is None and self._dtype.kind == "u"

    def _all_tags(self) -> list[Tag]:
        height, width = self._size
        bits = 8 * self._dtype.itemsize
        offset = "Q" if self._big else "I"
        colours = self._channels - self._alpha
        is_picture = colours == 3 and self._dtype == np.uint8
        kind = _INDEXED if self._palette is not None else _RGB if is_picture else _GREY
        tags: list[Tag] = [
            (256, "I", [width]),
            (257, "I", [height]),
            (258, "H", [bits] * self._channels),
            (259, "H", [_DEFLATE]),
            (262, "H", [kind]),
            (277, "H", [self._channels]),
            (284, "H", [1]),
            (317, "H", [_PREDICTED if self._is_predicted else 1]),
            (322, "I", [_TILE]),
            (323, "I", [_TILE]),
            (324, offset, self._places),
            (325, offset, self._lengths),
            (339, "H", [3 if self._dtype.kind == "f" else 1] * self._channels),
            *self._tags,
        ]
        extra = self._channels - (3 if kind == _RGB else 1)
        if extra:
            kinds = [0] * (extra - 1) + [_UNASSOCIATED if self._alpha else 0]
            tags.append((338, "H", kinds))
        if self._palette is not None:
            table = np.zeros((3, 2**bits), "int64")
            table[:, : len(self._palette)] = np.array(self._palette).T * 257
            tags.append((320, "H", table.ravel().tolist()))
        return sorted(tags, key=lambda tag: tag[0])

    def _finish(self) -> None:
        if len(self._waiting):
            self._write_tiles(self._waiting)
        word, entry, inline = ("<Q", "<HHQ", 8) if self._big else ("<I", "<HHI", 4)
        entries = []
        for code, kind, values in self._all_tags():
            if kind == "s":
                data = values.encode("utf-8") + b"\0"
            else:
                data = struct.pack(f"<{len(values)}{kind}", *values)
            count = len(data) // _SIZES[kind]
            if len(data) > inline:
                place = self._aligned()
                self._file.write(data)
                data = struct.pack(word, place)
            entries.append(
                struct.pack(entry, code, _CODES[kind], count) + data.ljust(inline, b"\0")
            )
        directory = self._aligned()
        self._file.write(struct.pack("<Q" if self._big else "<H", len(entries)))
        self._file.write(b"".join(entries) + bytes(inline))
        self._file.seek(8 if self._big else 4)
        self._file.write(struct.pack(word, directory))

    def _aligned(self) -> int:
        place = self._file.tell()
        self._file.write(bytes(-place % 8))
        return place + -place % 8

    def _end(self, *, whole: bool) -> None:
        with self._file:
            if whole:
                self._finish()
