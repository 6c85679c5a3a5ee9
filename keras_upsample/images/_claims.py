"""Checks of an image header against the file's size, before memory is allocated."""

import lzma
import math
import os
import re
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ._sources import ImageError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
"""The decoders of Pillow that are used. It has 40 more, and one of them (EPS) starts a program."""

MOST_BYTES = 2**30
"""Of what can only be decoded whole: a picture, a strip or tile of a TIFF."""

# PNG stores at most 8,256 pixels in a byte, GIF 2,731, JPEG 341 (deflate and one bit a pixel, the
# longest entry of LZW, two bits a block of zeros). WebP has no such limit, nor has a GIF's canvas.
_MOST_IN_A_BYTE = 10_000
_MOST_IN_ANY_FILE = 1 << 23
MOST_FRAMES = 100_000
_MOST_BAND = 4 * MOST_BYTES
_PILLOW = threading.Lock()


class ClaimError(ValueError):
    """A picture claims what it does not hold, or more than can be decoded; without its name."""


_LEAST_RATIO = 1100  # nothing that deflate stores gets larger than 1,032 times
_DEFLATE, _LZMA = (8, 32946, 50013), (34925,)
_STEP = 1 << 20


def open_picture(path: Path) -> Any:
    """`PIL.Image.open` with the decoders of `FORMATS` alone, nothing decoded yet.

    Raises:
        ImageError: decoding it would take more than `MOST_BYTES`, or it claims more pixels than a
            picture of so few bytes has.
    """
    from PIL import Image

    with without_limit():
        opened: Any = Image.open(path, formats=FORMATS)
    # Pillow has one byte a pixel for a single band of 8 bits, four for anything else.
    size = 1 if opened.mode in ("1", "L", "P") else 4
    if opened.width * opened.height * size > MOST_BYTES:
        with opened:
            raise ImageError(
                f"{str(path)!r} has {opened.width}x{opened.height} pixels, and {opened.format} can "
                "only be decoded whole, in more than 1 GiB. Convert it to a tiled TIFF, which is "
                "read in windows."
            )
    pixels, there = opened.width * opened.height, os.path.getsize(path)
    if pixels > (most := _MOST_IN_ANY_FILE + _MOST_IN_A_BYTE * there):
        with opened:
            raise ImageError(
                f"{str(path)!r} claims {opened.width}x{opened.height} pixels in {there:,} bytes; "
                f"at most {most:,} pixels are read from so few. If they are right, convert it to a "
                "tiled TIFF."
            )
    return opened


@contextmanager
def without_limit() -> Iterator[None]:
    """Pillow takes pictures above 89 megapixels for attacks; we have a limit of our own."""
    from PIL import Image

    with _PILLOW:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def open_tiff(path: Path) -> Any:
    """`tifffile.TiffFile`, once its list of pages is known to end.

    Raises:
        ClaimError: a page leads back to an earlier one. tifffile would list millions of them.
    """
    import tifffile

    file = tifffile.TiffFile(path)
    try:
        _check_list(file)
    except BaseException:
        file.close()
        raise
    return file


def _check_list(file: Any) -> None:
    kind, handle = file.tiff, file.filehandle
    seen: set[int] = set()
    handle.seek(8 if kind.offsetsize == 8 else 4)
    while (read := handle.read(kind.offsetsize)) and len(read) == kind.offsetsize:
        (offset,) = struct.unpack(kind.offsetformat, read)
        if not offset or offset >= handle.size:
            return
        if offset in seen:
            raise ClaimError(f"its page {len(seen)} leads back to an earlier one.")
        seen.add(offset)
        handle.seek(offset)
        count = handle.read(kind.tagnosize)
        if len(count) < kind.tagnosize:
            return
        (tags,) = struct.unpack(kind.tagnoformat, count)
        handle.seek(offset + kind.tagnosize + tags * kind.tagsize)


def check_description(page: Any) -> None:
    """The frames that a TIFF's first page claims: tifffile makes lists of them at once.

    Raises:
        ClaimError: there are more than are read.
    """
    text = str(page.description)
    if page.is_ome:
        for pixels in re.findall(r"<(?:\w+:)?Pixels\b[^>]*>", text):
            sizes = re.findall(r"\bSize[CTZ]\s*=\s*[\"'](\d+)", pixels)
            _check_frames(math.prod(map(int, sizes)))
    elif page.is_imagej:
        for count in re.findall(r"^images=(\d+)", text, re.MULTILINE):
            _check_frames(int(count))


def check_series(path: Path, series: Any, frames: int) -> None:
    """A series of a TIFF.

    Raises:
        ClaimError: it has no pixel, more frames than can be, or values that the file does not hold.
    """
    shape = tuple(series.shape)
    if 0 in shape:
        raise ClaimError(f"its shape {shape} holds no pixel.")
    _check_frames(frames)
    if series.dataoffset is not None:
        there = os.path.getsize(path)
        needed = math.prod(shape) * series.dtype.itemsize
        if series.dataoffset + needed > there:
            raise ClaimError(
                f"it claims {needed:,} bytes of values from byte {series.dataoffset:,} on and has "
                f"{there:,} bytes. It is damaged or was cut off."
            )
        return
    pages = math.prod(shape[: len(shape) - series.keyframe.ndim])
    stored = sum(page is not None for page in series)
    if stored < pages:
        raise ClaimError(f"it claims {pages:,} pages and has {stored:,}.")
    check_page(series.keyframe)


def check_page(page: Any) -> None:
    """The strips or tiles of a page, each of which is decoded whole.

    Raises:
        ClaimError: one would take more than `MOST_BYTES`, they have no size, or the page's height
            and width take more of them than it lists.
    """
    key = page.keyframe
    rows, across = (
        (key.tilelength, key.tilewidth)
        if key.is_tiled
        else (min(key.rowsperstrip, key.imagelength), key.imagewidth)
    )
    if rows < 1 or across < 1:
        raise ClaimError(f"its strips or tiles are {rows}x{across} pixels.")
    planes, depth, height, width, _ = key.shaped
    needed = planes * depth * -(-height // rows) * -(-width // across)
    if needed > (listed := len(page.dataoffsets)):
        raise ClaimError(
            f"its {height:,}x{width:,} pixels take {needed:,} strips or tiles, and it lists "
            f"{listed:,}. It is damaged or was cut off."
        )
    size = rows * across * key.shaped[-1] * key.dtype.itemsize
    if size > MOST_BYTES:
        kind = "tiles" if key.is_tiled else "strips"
        raise ClaimError(
            f"its {kind} are {rows}x{across} pixels, each of which can only be decoded whole, in "
            f"{size / 2**30:.1f} GiB; at most 1 GiB is. Convert it to a tiled TIFF."
        )


def check_band(rows: int, page: Any) -> None:
    """Rows of a page, over its whole width.

    Raises:
        ClaimError: they would take more than 4 GiB.
    """
    key = page.keyframe
    size = rows * key.imagewidth * key.shaped[-1] * key.dtype.itemsize
    if size > _MOST_BAND:
        raise ClaimError(
            f"{rows} rows of its {key.imagewidth:,} pixels would take {size / 2**30:.1f} GiB; at "
            "most 4 GiB are read at a time. Cut it into narrower images."
        )


def whole_page(page: Any) -> Any:
    """The values of a page.

    Raises:
        ClaimError: they take more than `MOST_BYTES`, or lie behind the end of the file.
    """
    if page.nbytes > MOST_BYTES:
        raise ClaimError(f"a page has {page.nbytes:,} bytes of values; at most 1 GiB is decoded.")
    check_page(page)
    for number in range(len(page.dataoffsets)):
        check_segment(page, number)
    return page.asarray()


def check_segment(page: Any, number: int) -> None:
    """One strip or tile, as it is stored.

    Raises:
        ClaimError: it ends behind the file.
    """
    if not 0 <= number < min(len(page.dataoffsets), len(page.databytecounts)):
        raise ClaimError(f"it has no strip or tile {number}.")
    end = page.dataoffsets[number] + page.databytecounts[number]
    there = page.parent.filehandle.size
    if end > there:
        raise ClaimError(
            f"its strip or tile {number} would end at byte {end:,} of {there:,}. It is damaged or "
            "was cut off."
        )


def check_unpacked(page: Any, data: bytes) -> None:
    """Compressed values do not become far more than the page has room for.

    Raises:
        ClaimError: they do.
    """
    compression = page.keyframe.compression
    if compression in _DEFLATE:
        if len(data) * _LEAST_RATIO <= MOST_BYTES:
            return
        unpacker: Any = zlib.decompressobj()
    elif compression in _LZMA:
        unpacker = lzma.LZMADecompressor()
    else:
        return
    done = 0
    try:
        while done <= MOST_BYTES and not unpacker.eof:
            part = unpacker.decompress(data, _STEP)
            data = getattr(unpacker, "unconsumed_tail", b"")
            done += len(part)
            if not part:
                return
    except (zlib.error, lzma.LZMAError):
        return  # whoever decodes it says so
    if done > MOST_BYTES:
        raise ClaimError("a strip or tile unpacks to more than 1 GiB, which is not what it claims.")


def _check_frames(count: int) -> None:
    if count > MOST_FRAMES:
        raise ClaimError(f"it claims {count:,} frames; at most {MOST_FRAMES:,} are read.")
