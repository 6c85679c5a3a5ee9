"""Compressed and tiled TIFF: only the strips or tiles that a band of rows touches."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ._claims import ClaimError, check_band, check_page, check_segment, check_unpacked, open_picture
from ._sources import ImageError

View = Callable[[Sequence[int]], Callable[[int, int], np.ndarray]]
"""Index of a frame -> its rows."""


def decodable(page: Any) -> bool:
    """Whether tifffile has the codec (for LZW and JPEG it needs imagecodecs)."""
    try:
        check_page(page)
        data = _segment(page, 0)
        check_unpacked(page, data)
        page.decode(data, 0, **_tables(page))
    except ClaimError:
        raise
    except Exception:  # without a codec it raises ValueError; a damaged first segment anything
        return False
    return True


def decode(path: Path, series: Any, axes: str, *, by_pillow: bool = False) -> View:
    """Of a compressed or tiled file: only the strips or tiles that a band touches.

    A page is `YX`, `YXC` or, where its samples lie in planes, `CYX`; the axis of the planes may be
    named otherwise (tifffile stores 3 points in time as the planes of one RGB page). The axes
    before these count pages. With `by_pillow` a page is decoded whole.
    """
    depth = series.keyframe.ndim
    outer, inner = axes[:-depth], axes[-depth:]
    plane = inner[0] if inner[1:] == "YX" else ""
    if inner.removeprefix(plane) not in ("YX", "YXC"):
        raise ImageError(f"its axes {series.axes} do not fit its pages {series.keyframe.axes}.")
    shape = series.shape[: len(outer)]
    cache = _Cache()

    def view(index: Sequence[int]) -> Callable[[int, int], np.ndarray]:
        place = dict(zip((name for name in axes if name not in "YXC"), index, strict=True))
        planes = [place[plane]] if plane in place else range(series.keyframe.shaped[0])
        count = shape[outer.index("C")] if "C" in outer else 1
        numbers = [
            int(np.ravel_multi_index([place.get(name, channel) for name in outer], shape))
            if outer
            else 0
            for channel in range(count)
        ]

        def read(top: int, bottom: int) -> np.ndarray:
            import tifffile

            rows = partial(_rows_by_pillow, path) if by_pillow else _page_rows
            with tifffile.TiffFile(path) as file:
                pages = file.series[0].pages
                bands = [
                    rows(pages[number], plane, top, bottom, cache.of(number))
                    for number in numbers
                    for plane in planes
                ]
            cache.drop_unused()
            return bands[0] if len(bands) == 1 else np.concatenate(bands, axis=2)

        return read

    return view


def page_reader(path: Path, number: int) -> Callable[[int, int], np.ndarray]:
    """The rows (bottom − top, width, samples) of one page by its number in the file."""
    cache = _Cache()

    def read(top: int, bottom: int) -> np.ndarray:
        import tifffile

        with tifffile.TiffFile(path) as file:
            rows = _page_rows(file.pages[number], 0, top, bottom, cache.of(number))
        cache.drop_unused()
        return rows

    return read


class _Cache:
    """Decoded strips and tiles that the last band touched: the next one overlaps it.

    Without it a file of one long strip would be decoded once a band.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], np.ndarray | None] = {}
        self._used: dict[tuple[int, int], np.ndarray | None] = {}

    def of(self, page: int) -> Callable[[int, Callable[[], Any]], Any]:
        """Number of a strip or tile and how to decode it -> its values, None if not stored."""

        def get(number: int, decode: Callable[[], Any]) -> Any:
            key = (page, number)
            self._used[key] = self._kept[key] if key in self._kept else decode()
            return self._used[key]

        return get

    def drop_unused(self) -> None:
        self._kept, self._used = self._used, {}


def _page_rows(
    page: Any, plane: int, top: int, bottom: int, cached: Callable[..., Any]
) -> np.ndarray:
    """(bottom − top, width, samples) of one page or one of its planes."""
    key = page.keyframe
    _, depth, height, width, samples = key.shaped
    length, across = (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, width)
    down, over = -(-height // length), -(-width // across)
    check_band(bottom - top, page)
    result = np.zeros((bottom - top, width, samples), key.dtype.newbyteorder("="))
    for row in range(top // length, -(-bottom // length)):
        for column in range(over):
            number = (plane * depth * down + row) * over + column
            values = cached(number, partial(_values, page, number))
            if values is None:
                continue  # a sparse file: nothing stored, all zeros
            first, left = row * length, column * across
            begin, end = max(top, first), min(bottom, first + values.shape[0])
            part = values[begin - first : end - first, : width - left]
            result[begin - top : end - top, left : left + part.shape[1]] = part
    return result


def _values(page: Any, number: int) -> Any:
    """(rows, columns, samples) of one strip or tile, None where the file has nothing there."""
    data = _segment(page, number)
    check_unpacked(page, data)
    return page.keyframe.decode(data, number, **_tables(page))[0][0] if data else None


def _rows_by_pillow(
    path: Path, page: Any, plane: int, top: int, bottom: int, cached: Callable[..., Any]
) -> np.ndarray:
    """As `_page_rows`, for codecs that tifffile does not have (LZW, JPEG)."""
    values = cached(0, partial(_whole_by_pillow, path, page))[top:bottom]
    return values if page.keyframe.shaped[0] == 1 else values[..., plane : plane + 1]


def _whole_by_pillow(path: Path, page: Any) -> np.ndarray:
    key = page.keyframe
    planes, _, height, width, samples = key.shaped
    try:
        with open_picture(path) as picture:
            picture.seek(page.index)
            values = np.asarray(picture).reshape(height, width, planes * samples)
        fits = values.dtype == key.dtype
    except Exception:  # Pillow's, of several kinds
        fits = False
    if not fits:
        codec = getattr(key.compression, "name", key.compression)
        raise ImageError(
            f"{str(path)!r} is compressed by {codec}, which can't be decoded here. "
            "Install imagecodecs."
        )
    return values


def _segment(page: Any, number: int) -> bytes:
    check_segment(page, number)
    handle = page.parent.filehandle
    handle.seek(page.dataoffsets[number])
    return handle.read(page.databytecounts[number])


def _tables(page: Any) -> dict[str, Any]:
    key = page.keyframe
    if key.compression in (6, 7, 33007, 34892):  # kinds of JPEG, which share tables in the header
        return {"jpegtables": page.jpegtables, "jpegheader": key.jpegheader}
    return {}
