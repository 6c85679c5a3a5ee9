"""Sources of example inputs (arrays, folders, datasets, generators), read one example at a time."""

import inspect
import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import first_line
from ..program._signature import Signature
from ._item import KINDS, Example, ItemReader
from ._pictures import is_picture, pictures_in

MOST = 256
"""Examples taken from a source that does not say how many it has."""


def examples(given: Any, signature: Signature, argument: str) -> Iterator[tuple[str, Example]]:
    """A label and an example, one after the other.

    A batch gives as many examples as it has. Of (input, target) and (input, target, weight) tuples
    the input is taken, of dicts what bears the name of an input. A grey image, volume or signal may
    lack the axis of its channel.

    Args:
        given: see `KINDS`.
        signature: of the model.
        argument: its name, for messages.

    Raises:
        ValueError: what was received is none of these, or does not fit the inputs.
    """
    reader, names = ItemReader(signature, argument), set()
    for index, item in enumerate(_entries(given, reader)):
        label = Path(item).name if isinstance(item, str | Path) else ""
        label = f"{label} ({index})" if label and label in names else label
        names.add(label)
        found = reader.read(item, index)
        for number, example in enumerate(found):
            whole = f"{index}" if len(found) == 1 else f"{index}[{number}]"
            yield label or f"image {whole}", example


def as_list(given: Any, signature: Signature, argument: str) -> Any:
    """The same if it can be read again, else a list of its first `MOST` examples."""
    if given is None or isinstance(given, str | Path | np.ndarray | list | tuple):
        return given
    found = itertools.islice(examples(given, signature, argument), MOST)
    return [example for _, example in found]


def _entries(given: Any, reader: ItemReader) -> Iterable[Any]:
    """The items of a source."""
    argument = reader.argument
    if isinstance(given, str | Path):
        return pictures_in(Path(given), argument)
    if isinstance(given, Mapping):
        return [given]  # a batch by input name
    if callable(given) and not isinstance(given, np.ndarray):
        try:
            inspect.signature(given).bind()
        except TypeError as error:
            raise ValueError(
                f"`{argument}` may be a function without arguments that yields examples. This one "
                f"can't be called so: {first_line(error)}."
            ) from error
        except ValueError:  # of a built-in function, which does not say its arguments
            pass
        return _entries(given(), reader)
    if reader.is_batch(given):
        return [given]
    if isinstance(given, np.ndarray) and given.dtype == object:
        return list(given.reshape(-1))  # images of several sizes
    if hasattr(given, "num_batches") and hasattr(given, "__getitem__"):  # keras.utils.PyDataset
        count = given.num_batches
        return (given[index] for index in range(min(int(count or MOST), MOST)))
    if not isinstance(given, list | tuple) and hasattr(given, "__array__"):
        if is_picture(given):
            return [given]
        array = reader.array(given, 0)
        shape = reader.main.shape
        whole = array.ndim == len(shape) - 1 and array.shape[-1] == shape[-1]
        return [array] if whole or array.ndim < len(shape) - 1 else array
    if not isinstance(given, Iterable):
        raise ValueError(f"`{argument}` must be {KINDS}. Received: {type(given).__name__}.")
    return given
