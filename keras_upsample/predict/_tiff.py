"""TIFF, read in windows: straight from the file where it is uncompressed, else by its strips or
tiles."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._sources import ImageError, Source

_NAMED = {"T": "t", "Z": "z", "C": "c", "R": "r"}
_LOCK = threading.Lock()


def tiff_sources(path: Path, channels: int | None) -> list[Source] | None:
    """One source a frame of the file's first series, or None for what Pillow reads better.

    The axes are those that the file names (OME, ImageJ, tifffile). Y and X are the image, S and C
    its channels, and every other axis (T, Z) counts frames. An axis without a name is the channels
    if it is as long as the model takes channels, else it counts frames.

    Args:
        path: the file.
        channels: that the model takes, None for any number.

    Raises:
        ImageError: the file's axes make no image.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        page = series.keyframe
        if (
            page.photometric not in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)
            or page.bitspersample not in (8, 16, 32, 64)
            or getattr(page.tags.get("Orientation"), "value", 1) != 1
        ):
            _check_single(path, len(file.pages))
            return None
        shape, axes = tuple(series.shape), _axes(series.axes, tuple(series.shape), channels)
        if series.dtype.kind not in "uif":
            raise ImageError(f"its values are {series.dtype}, which are no image.")
        if "Y" not in axes or "X" not in axes or axes.count("C") > 1:
            raise ImageError(f"its axes {series.axes} {shape} are not those of images.")
        dtype = series.dtype.newbyteorder("=")
        alpha = page.photometric == tifffile.PHOTOMETRIC.RGB and page.samplesperpixel in (2, 4)
        if series.dataoffset is not None:
            stored = np.dtype(series.dtype).newbyteorder(file.byteorder)
            view = _mapped(path, stored, series.dataoffset, shape, axes)
        elif _decodable(page):
            view = _decoded(path, series, axes)
        else:
            _check_single(path, len(file.pages))
            return None
    counts = [(name, size) for name, size in zip(axes, shape, strict=True) if name not in "YXC"]
    size = dict(zip(axes, shape, strict=True))
    image = (size["Y"], size["X"], size.get("C", 1))
    return [
        Source(image, dtype, view(index), _label(counts, index), alpha)
        for index in np.ndindex(*(n for _, n in counts))
    ]


View = Callable[[Sequence[int]], Callable[[int, int], np.ndarray]]
"""Index of a frame -> its rows."""


def _axes(axes: str, shape: tuple[int, ...], channels: int | None) -> str:
    """The file's axes with one name for channels.

    `CTYX` stays; `YXS` -> `YXC`; `QYX` (2, 210, 576) -> `CYX` for a model of 2 channels; and
    tifffile's `QYX` for an array (210, 576, 2) -> `YXC`.
    """
    if "S" in axes and "C" not in axes:
        return axes.replace("S", "C")
    if axes in ("QYX", "IYX") and channels is not None:
        if shape[0] == channels:
            return "CYX"
        if shape[2] == channels and shape[2] < 8:
            return "YXC"
    return axes


def _label(counts: Sequence[tuple[str, int]], index: Sequence[int]) -> str:
    """`t03` for the fourth of up to 100 points in time; `t03_z1`; no letter where unnamed."""
    return "_".join(
        f"{_NAMED.get(name, '')}{i:0{len(str(size - 1))}d}"
        for (name, size), i in zip(counts, index, strict=True)
        if size > 1
    )


def _mapped(path: Path, dtype: np.dtype, offset: int, shape: tuple[int, ...], axes: str) -> View:
    """Of an uncompressed file. Mapped anew for every band, so that nothing stays in memory."""

    def view(index: Sequence[int]) -> Callable[[int, int], np.ndarray]:
        def read(top: int, bottom: int) -> np.ndarray:
            whole = np.memmap(path, dtype, "r", offset, shape)
            return np.array(_frame(whole, axes, index)[top:bottom], dtype.newbyteorder("="))

        return read

    return view


def _frame(whole: np.ndarray, axes: str, index: Sequence[int]) -> np.ndarray:
    """(all axes) -> (H, W, C), a view."""
    frames = [i for i, name in enumerate(axes) if name not in "YXC"]
    order = [*frames, *(axes.index(name) for name in "YXC" if name in axes)]
    image = whole.transpose(order)[tuple(index)]
    return image if "C" in axes else image[..., None]


def _decodable(page: Any) -> bool:
    """Whether tifffile has the codec (for LZW and JPEG it needs imagecodecs)."""
    try:
        page.decode(_segment(page, 0), 0, **_tables(page))
    except Exception:  # without a codec it raises ValueError; a damaged first segment anything
        return False
    return True


def _decoded(path: Path, series: Any, axes: str) -> View:
    """Of a compressed or tiled file: only the strips or tiles that a band touches."""
    outer = axes[: len(axes) - series.keyframe.ndim]
    if "Y" in outer or not series.axes.endswith(series.keyframe.axes):
        raise ImageError(f"its axes {series.axes} do not fit its pages {series.keyframe.axes}.")
    shape = series.shape[: len(outer)]

    def view(index: Sequence[int]) -> Callable[[int, int], np.ndarray]:
        place = dict(zip((name for name in axes if name not in "YXC"), index, strict=True))
        count = shape[outer.index("C")] if "C" in outer else 1
        numbers = [
            int(np.ravel_multi_index([place.get(name, channel) for name in outer], shape))
            if outer
            else 0
            for channel in range(count)
        ]

        def read(top: int, bottom: int) -> np.ndarray:
            import tifffile

            with tifffile.TiffFile(path) as file:
                pages = file.series[0].pages
                bands = [_page_rows(pages[number], top, bottom) for number in numbers]
            return bands[0] if len(bands) == 1 else np.concatenate(bands, axis=2)

        return read

    return view


def _page_rows(page: Any, top: int, bottom: int) -> np.ndarray:
    """(bottom − top, width, samples) of one page."""
    key = page.keyframe
    planes, depth, height, width, samples = key.shaped
    length, across = (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, width)
    down, over = -(-height // length), -(-width // across)
    result = np.zeros((planes, bottom - top, width, samples), key.dtype.newbyteorder("="))
    for plane in range(planes):
        for row in range(top // length, -(-bottom // length)):
            for column in range(over):
                number = (plane * depth * down + row) * over + column
                data = _segment(page, number)
                if not data:
                    continue  # a sparse file: nothing stored, all zeros
                values = key.decode(data, number, **_tables(page))[0][0]  # (rows, columns, samples)
                first, left = row * length, column * across
                begin, end = max(top, first), min(bottom, first + values.shape[0])
                part = values[begin - first : end - first, : width - left]
                result[plane, begin - top : end - top, left : left + part.shape[1]] = part
    return result[0] if planes == 1 else result[..., 0].transpose(1, 2, 0)


def _segment(page: Any, number: int) -> bytes:
    with _LOCK:
        handle = page.parent.filehandle
        handle.seek(page.dataoffsets[number])
        return handle.read(page.databytecounts[number])


def _tables(page: Any) -> dict[str, Any]:
    key = page.keyframe
    if key.compression in (6, 7, 33007, 34892):  # kinds of JPEG, which share tables in the header
        return {"jpegtables": page.jpegtables, "jpegheader": key.jpegheader}
    return {}


def _check_single(path: Path, pages: int) -> None:
    """Pillow is asked for one page."""
    if pages > 1:
        raise ImageError(
            f"{str(path)!r} has {pages} pages in a form (palette, 1 bit, rotated, or compressed by "
            "a codec that is not here) of which only single pages can be read. Install "
            "imagecodecs, or split the file."
        )
