"""ONNX files with external data.

ONNX is a protobuf message, which ends at 2 GiB. Beyond, the values are in `NAME.onnx.HASH.data` in
the same folder. The hash of the values in its name makes that the two can't be mixed up with those
of another export, and that the old pair stays whole until the new `NAME.onnx` is in its place.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ._onnx_graph import external_files

MOST_BYTES = 2**31 - 2**24
"""Of values in the file itself; its nodes and metadata need some room below 2 GiB too."""

_LEAST_BYTES = 1024  # what is smaller, as sizes that a check reads, is in the file itself
_SLAB = 2**26  # bytes
_PAGE = 4096  # runtimes map the data into memory


def save_onnx(proto: Any, path: Path, arrays: Mapping[str, np.ndarray] | None = None) -> None:
    """Write a model whose further constants are `arrays`, by name.

    `proto` is left without the values that went into the file beside.
    """
    import onnx

    arrays = arrays or {}
    before = data_files(path)
    own = sum(tensor.ByteSize() for tensor in proto.graph.initializer)
    if own + sum(array.nbytes for array in arrays.values()) > MOST_BYTES:
        _put_beside(proto, path, arrays)
    else:
        for name, array in arrays.items():
            proto.graph.initializer.append(_tensor(array, name))
    onnx.save(proto, str(path))
    for file in set(before) - set(data_files(path)):
        file.unlink()


def data_files(path: Path) -> list[Path]:
    """The files of values beside an ONNX file that `save_onnx` wrote for it.

    Raises:
        OSError: the file can't be read. Taken for one without values, it would lose them.
    """
    if path.suffix.lower() != ".onnx" or not path.is_file():
        return []
    pattern = re.compile(re.escape(path.name) + r"\.[0-9a-f]{8}\.data")
    with suppress(ValueError):  # one outside of its folder: not ours
        return [file for file in external_files(path) if pattern.fullmatch(file.name)]
    return []


def _put_beside(proto: Any, path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the values of large constants to the file beside, one after the other."""
    digest, moved = hashlib.sha256(), []
    staged = path.with_name(f"{path.name}.data")
    with staged.open("wb") as file:
        for tensor, values in _large_ones(proto, arrays):
            gap = bytes(-file.tell() % _PAGE)
            moved.append((tensor, file.tell() + len(gap), values.nbytes))
            for part in (gap, *_slabs(values)):
                file.write(part)
                digest.update(part)
    name = f"{path.name}.{digest.hexdigest()[:8]}.data"
    os.replace(staged, path.with_name(name))
    for tensor, offset, length in moved:
        _point_to(tensor, {"location": name, "offset": str(offset), "length": str(length)})


def _large_ones(proto: Any, arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[Any, np.ndarray]]:
    """Constants of some size with their values, which only the caller holds."""
    from onnx import helper, numpy_helper

    for tensor in proto.graph.initializer:
        if tensor.ByteSize() >= _LEAST_BYTES:
            values = numpy_helper.to_array(tensor)
            for field in [field for field, _ in tensor.ListFields()]:
                if field.name.endswith("_data"):
                    tensor.ClearField(field.name)
            yield tensor, values
    for name, array in arrays.items():
        if array.nbytes < _LEAST_BYTES:
            proto.graph.initializer.append(_tensor(array, name))
            continue
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = proto.graph.initializer.add(name=name, dims=array.shape, data_type=kind)
        yield tensor, array


def _slabs(values: np.ndarray) -> Iterator[bytes]:
    """The bytes of an array in rows: a transposed one is a view, and never whole in memory."""
    rows = max(1, _SLAB * len(values) // values.nbytes)
    for start in range(0, len(values), rows):
        yield values[start : start + rows].tobytes()


def _tensor(array: np.ndarray, name: str) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.asarray(array, order="C"), name)


def _point_to(tensor: Any, place: Mapping[str, str]) -> None:
    tensor.data_location = tensor.EXTERNAL
    for key, value in place.items():
        tensor.external_data.add(key=key, value=value)
