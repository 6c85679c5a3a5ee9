"""What an HDF5 file claims, compared with its size, and all of it read once.

It is for a child process: libhdf5 is C code that trusts its files.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

LEAST_CLAIM, MOST_EXPANSION = 2**28, 20
"""Bytes that any file may unpack to, and how many times its own size a larger one may."""

_SLAB = 2**26  # bytes that are read at a time


class ClaimError(ValueError):
    """A file claims more than it holds, or reads other files; without its name."""


def most_unpacked(size: int) -> int:
    """Bytes that a file of this size may unpack to."""
    return max(LEAST_CLAIM, MOST_EXPANSION * size)


def read_all(file: Any, size: int) -> int:
    """Read every attribute and every dataset of an open `h5py.File`; the number of elements.

    Args:
        file: the file.
        size: its bytes, those of the archive that holds it.

    Raises:
        ClaimError: its datasets claim more than `most_unpacked`, or are in other files.
        Exception: h5py's, of many kinds, where the file is damaged.
    """
    datasets = list(_datasets(file))
    claimed = sum(_bytes_of(dataset) for dataset in datasets)
    if claimed > most_unpacked(size):
        largest = max(datasets, key=_bytes_of)
        raise ClaimError(
            f"its datasets claim {claimed:,} bytes, {largest.name!r} alone {_bytes_of(largest):,}, "
            f"and the file has {size:,} bytes"
        )
    for dataset in datasets:
        for part in _parts(dataset.shape or (), dataset.dtype.itemsize):
            if dataset.shape is not None:
                dataset[part]
    return sum(math.prod(dataset.shape or (0,)) for dataset in datasets)


def _datasets(file: Any) -> Iterator[Any]:
    """Each one once, whatever the names that lead to it; attributes are read on the way."""
    import h5py

    seen, waiting = set(), [file["/"]]
    while waiting:
        item = waiting.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        for name in item.attrs:
            item.attrs[name]
        if isinstance(item, h5py.Group):
            waiting.extend(_members(item))
        elif isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise ClaimError(f"its dataset {item.name!r} keeps its values in another file")
            yield item


def _members(group: Any) -> Iterator[Any]:
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            # One into the file itself adds nothing; Keras follows none at all.
            if isinstance(link, h5py.ExternalLink):
                raise ClaimError(f"its member {name!r} is a link to the file {link.filename!r}")
            continue
        yield group[name]


def _bytes_of(dataset: Any) -> int:
    return math.prod(dataset.shape or (0,)) * dataset.dtype.itemsize


def _parts(shape: Sequence[int], itemsize: int) -> Iterator[tuple[Any, ...]]:
    """Indices of parts of an array, none of which is larger than `_SLAB`."""
    if math.prod(shape) * itemsize <= _SLAB:
        yield ()
        return
    row = math.prod(shape[1:]) * itemsize
    if row <= _SLAB:
        step = _SLAB // row
        yield from ((slice(start, start + step),) for start in range(0, shape[0], step))
        return
    for index in range(shape[0]):
        yield from ((index, *rest) for rest in _parts(shape[1:], itemsize))
