"""Zarr and OME-Zarr, versions 2 and 3, in windows of rows: only the chunks that a band touches.

Read by zarr-python (extra `zarr`), from a folder on a disk. Axes are those that OME-Zarr's
`multiscales`, Zarr 3's `dimension_names` or xarray's `_ARRAY_DIMENSIONS` name; of a pyramid the
largest level is taken. Reference: OME-NGFF 0.4 and 0.5.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._installed import need
from ._claims import MOST_BYTES, MOST_FRAMES
from ._frames import channels_last, frame_label
from ._nodata import as_value
from ._sources import ImageError, Source

_MARKS = ("zarr.json", ".zarray", ".zgroup")
_AXES = {
    "y": "Y", "lat": "Y", "latitude": "Y", "row": "Y", "rows": "Y", "height": "Y",
    "x": "X", "lon": "X", "longitude": "X", "column": "X", "columns": "X", "width": "X",
    "c": "C", "channel": "C", "channels": "C", "band": "C", "bands": "C", "s": "C",
    "t": "T", "time": "T", "z": "Z", "depth": "Z",
}  # fmt: skip
_OTHERS = "abdefghijklmnop"
"""Letters for axes of other names, which count frames; an array has no more axes."""
_CODECS = {
    "adler32", "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta",
    "fixedscaleoffset", "fletcher32", "gzip", "lz4", "lzma", "packbits", "quantize",
    "sharding_indexed", "shuffle", "transpose", "zlib", "zstd",
}  # fmt: skip
"""Codecs of numbers. Of others, `pickle` runs Python code that the file brings along."""
_MOST_ROW = MOST_BYTES // 128
"""Bytes of one row of pixels with all channels: a band of 512 rows takes 4 GiB."""


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr array or group."""
    return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


def check_zarr(path: Path) -> None:
    """Raise unless zarr-python is installed.

    Raises:
        ModuleNotFoundError: it says how to install it.
    """
    need("zarr", f"{str(path)!r} is Zarr.", "keras-upsample[zarr]")


def zarr_sources(path: Path, channels: int | None) -> list[Source]:
    """One source for each frame of an array; T, Z and axes of other names count frames.

    Args:
        path: folder of an array, or of a group that holds one array or a pyramid.
        channels: that the model takes, None for any number; tells which axis of an array without
            names holds the channels.

    Raises:
        ImageError: it holds several arrays, or none that is an image.
    """
    array, named = _open(path)
    if array.dtype.kind not in "uif":
        raise ImageError(f"{str(path)!r}: its values are {array.dtype}, which are no image.")
    axes = _axes(path, named, tuple(array.shape), channels)
    _check_codecs(path, array)
    _check(path, array, axes)
    size = dict(zip(axes, array.shape, strict=True))
    counts = [(name, n) for name, n in size.items() if name not in "YXC"]
    dtype = np.dtype(array.dtype).newbyteorder("=")
    nodata = array.attrs.get("_FillValue")  # of xarray, after CF; Zarr's own is for missing chunks
    return [
        Source(
            (size["Y"], size["X"], size.get("C", 1)),
            dtype,
            _reader(array, axes, index, dtype),
            frame_label(counts, index),
            nodata=as_value(nodata, dtype) if isinstance(nodata, int | float) else None,
        )
        for index in np.ndindex(*(n for _, n in counts))
    ]


def _open(path: Path) -> tuple[Any, Sequence[str] | None]:
    """The array and the names of its axes, None where it has none."""
    import zarr

    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Array):
        return node, _own_names(node)
    attributes: Mapping[str, Any] = node.attrs.asdict()
    attributes = attributes.get("ome", attributes)
    if "plate" in attributes:
        raise ImageError(
            f"{str(path)!r} is a plate of many images. Name one of them: PLATE/row/column/field."
        )
    pyramids = attributes.get("multiscales")
    if pyramids:
        first = pyramids[0]
        array = node[first["datasets"][0]["path"]]
        axes = first.get("axes")
        if axes is None:  # before OME-NGFF 0.3
            return array, "tczyx"[-array.ndim :]
        return array, [axis["name"] if isinstance(axis, dict) else axis for axis in axes]
    arrays = dict(node.arrays())
    images = {name: array for name, array in arrays.items() if array.ndim >= 2}
    if len(images) != 1:
        names = ", ".join(sorted(images)) or "none"
        raise ImageError(
            f"{str(path)!r} is a group of {len(images)} arrays of 2 and more axes ({names}). Name "
            "one: GROUP/ARRAY."
        )
    (array,) = images.values()
    return array, _own_names(array)


def _own_names(array: Any) -> Sequence[str] | None:
    names = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.get("_ARRAY_DIMENSIONS")
    return names if names and all(isinstance(name, str) for name in names) else None


def _axes(
    path: Path, named: Sequence[str] | None, shape: tuple[int, ...], channels: int | None
) -> str:
    """A letter for each axis; unnamed ones are rows and columns, and channels at one end."""
    if named is not None:
        found = "".join(
            _AXES.get(name.lower(), _OTHERS[i]) for i, name in enumerate(named[: len(_OTHERS)])
        )
        if len(found) == len(shape) == len(set(found)) and {*"YX"} <= {*found}:
            return found
        raise ImageError(
            f"{str(path)!r} has the axes {', '.join(map(str, named))} of {shape}: there must be "
            "one y and one x, and no other one twice."
        )
    if len(shape) == 2:
        return "YX"
    if len(shape) == 3:
        if channels is None or channels not in (shape[0], shape[2]):
            return "YXC" if shape[2] <= 4 else "CYX" if shape[0] <= 4 else "TYX"
        return "YXC" if shape[2] == channels else "CYX"
    raise ImageError(
        f"{str(path)!r} has {len(shape)} axes without names, {shape}. Name them: "
        "`dimension_names` of Zarr 3, or OME-Zarr's `axes`."
    )


def _check_codecs(path: Path, array: Any) -> None:
    facts = array.metadata.to_dict()
    names = {name.removeprefix("numcodecs.") for name in _codecs(facts)}
    if strange := sorted(names - _CODECS):
        raise ImageError(
            f"{str(path)!r} is packed by {', '.join(strange)}; read are "
            f"{', '.join(sorted(_CODECS))}."
        )


def _codecs(facts: Mapping[str, Any]) -> Iterator[str]:
    """The names of all codecs in an array's metadata, those inside of shards included."""
    for key in ("codecs", "index_codecs", "filters", "compressor"):
        given = facts.get(key) or ()
        for codec in (given,) if isinstance(given, Mapping) else given:
            yield str(codec.get("id") or codec.get("name"))
            yield from _codecs(codec.get("configuration") or {})


def _check(path: Path, array: Any, axes: str) -> None:
    """Of what the metadata claim, nothing may take all memory."""
    size = dict(zip(axes, array.shape, strict=True))
    frames = math.prod(n for name, n in size.items() if name not in "YXC")
    row = size["X"] * size.get("C", 1) * array.dtype.itemsize
    chunk = math.prod(array.shards or array.chunks) * array.dtype.itemsize
    for what, given, most in (
        ("frames", frames, MOST_FRAMES),
        ("bytes in a row of pixels", row, _MOST_ROW),
        ("bytes in a chunk", chunk, MOST_BYTES),
    ):
        if not 0 < given <= most:
            raise ImageError(f"{str(path)!r} has {given:,} {what}; there may be 1 to {most:,}.")
    if not all(array.shape):
        raise ImageError(f"{str(path)!r} is empty: {tuple(array.shape)}.")


def _reader(
    array: Any, axes: str, index: Sequence[int], dtype: np.dtype
) -> Callable[[int, int], np.ndarray]:
    """Of one frame: (top, bottom) -> (bottom − top, width, channels)."""
    place = iter(index)
    fixed = {name: next(place) for name in axes if name not in "YXC"}

    def read(top: int, bottom: int) -> np.ndarray:
        window = tuple(
            slice(top, bottom)
            if name == "Y"
            else slice(fixed[name], fixed[name] + 1)
            if name in fixed
            else slice(None)
            for name in axes
        )
        band = np.asarray(array[window])
        return np.array(channels_last(band, axes, [0] * len(fixed)), dtype, order="C")

    return read
