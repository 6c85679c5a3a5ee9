"""One item of a source of examples -> arrays by input name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import first_line
from ..program._input_shape import InputSpec
from ..program._signature import Signature
from ._pictures import is_picture, of_pillow, read_picture

KINDS = (
    "an array (N, H, W, C), a folder, a list, a `tf.data.Dataset`, or a function or generator; of "
    "arrays with or without the batch, of PIL images, files, lists of arrays one an input, dicts "
    "by input name, or (input, target) pairs"
)


class Example(dict[str, np.ndarray]):
    """Input name -> array without the batch, its channels last; inputs that a picture says nothing
    of are left out."""


def takes_pictures(spec: InputSpec) -> bool:
    """Whether an input is one of images, or of volumes, which are made of images."""
    return len(spec.shape) in (4, 5) and np.dtype(spec.dtype).kind in "fu"


@dataclass(frozen=True)
class ItemReader:
    """How the items of one source are read."""

    signature: Signature
    argument: str

    @property
    def main(self) -> InputSpec:
        """The input that a lone array is for: of pictures before others, then of the most axes."""
        return max(self.signature.inputs, key=lambda s: (takes_pictures(s), len(s.shape)))

    def is_batch(self, given: Any) -> bool:
        """Whether a source is what `fit` and `predict` take: whole arrays, one an input in a list
        of several, or (inputs, targets) in a tuple."""
        if not isinstance(given, list | tuple) or not len(given) > 1:
            return False
        specs = self.signature.inputs
        ranks = [getattr(value, "ndim", None) for value in given]
        if len(specs) > 1:
            return ranks == [len(spec.shape) for spec in specs]
        whole = ranks[0] == len(self.main.shape)
        return isinstance(given, tuple) and len(given) <= 3 and whole

    def read(self, item: Any, index: int) -> list[Example]:
        """The examples of one item."""
        if isinstance(item, Example):
            return [item]
        if isinstance(item, Mapping):
            return self._by_name(item, index)
        if isinstance(item, list | tuple) and not _is_number(item):
            return self._of_sequence(item, index)
        return [
            Example({spec.name: array for spec in self._meant(array)})
            for array in self._split(self.array(item, index), self.main, index)
        ]

    def _meant(self, array: np.ndarray) -> list[InputSpec]:
        """The inputs that a lone array is for: a picture is for all that take pictures."""
        main = self.main
        if not takes_pictures(main):
            return [s for s in self.signature.inputs if len(s.shape) == len(main.shape)]
        ranks = (4, 5) if array.ndim == 3 else (len(main.shape),)
        return [s for s in self.signature.inputs if takes_pictures(s) and len(s.shape) in ranks]

    def array(self, value: Any, index: int) -> np.ndarray:
        """What one value holds.

        Raises:
            ValueError: no numbers, none at all, or NaN.
        """
        if isinstance(value, str | Path):
            return read_picture(Path(value), self.main.shape[-1], self.argument)
        if is_picture(value):
            return of_pillow(value, self.main.shape[-1])
        try:
            array = np.asarray(value)
        except Exception as error:  # ragged lists, tensors of other libraries
            raise self._no_numbers(value, index, f": {first_line(error)}") from error
        if array.dtype.kind not in "uifb":
            raise self._no_numbers(value, index, f" of dtype {array.dtype}")
        if 0 in array.shape:
            raise ValueError(
                f"`{self.argument}` must hold at least 1 pixel or number an example. Received "
                f"shape {array.shape}, dtype {array.dtype} at index {index}."
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"`{self.argument}` holds NaN or infinity at index {index}.")
        return array

    def _no_numbers(self, value: Any, index: int, why: str) -> ValueError:
        return ValueError(
            f"`{self.argument}` must hold arrays of numbers: {KINDS}. Received: "
            f"{type(value).__name__}{why} at index {index}."
        )

    def _of_sequence(self, item: Sequence[Any], index: int) -> list[Example]:
        """(input, target[, weight]), or TFLite's list of one array an input."""
        specs = self.signature.inputs
        nested = bool(item) and isinstance(item[0], list | tuple) and not _is_number(item[0])
        if 0 < len(item) <= 3 and (
            len(specs) == 1 or isinstance(item[0], Mapping) or (nested and len(item) > 1)
        ):
            return self.read(item[0], index)
        if len(item) == len(specs):
            names = [spec.name for spec in specs]
            return self._by_name(dict(zip(names, item, strict=True)), index)
        inputs = f"{len(specs)} input" + "s" * (len(specs) != 1)
        raise ValueError(
            f"`{self.argument}`: a list at index {index} holds {len(item)} values, and the model "
            f"has {inputs}. Yield one array an input, (input, target) pairs, or one example at a "
            "time."
        )

    def _by_name(self, item: Mapping[Any, Any], index: int) -> list[Example]:
        given = {_identifier(str(name)): value for name, value in item.items()}
        specs = self.signature.inputs
        if not {spec.name for spec in specs} <= set(given):
            raise ValueError(
                f"`{self.argument}` must have an array for each input, "
                f"{sorted(spec.name for spec in specs)}. Received: {sorted(map(str, item))}."
            )
        parts = {
            spec.name: self._split(self.array(given[spec.name], index), spec, index)
            for spec in specs
        }
        counts = {name: len(arrays) for name, arrays in parts.items()}
        if len(set(counts.values())) != 1:
            raise ValueError(
                f"`{self.argument}` must have as many examples of each input. Received {counts} "
                f"at index {index}."
            )
        return [
            Example(zip(parts, arrays, strict=True)) for arrays in zip(*parts.values(), strict=True)
        ]

    def _split(self, array: np.ndarray, spec: InputSpec, index: int) -> list[np.ndarray]:
        """The examples of a batch, each with its axis of channels."""
        rank, channels = len(spec.shape), spec.shape[-1]
        if array.ndim == rank:
            return list(array)
        thin = array.ndim > 0 and array.shape[-1] <= 4  # the last axis may be one of channels
        if array.ndim == rank - 1:
            grey = channels == 1 and rank > 2 and not thin
            return list(array[..., None]) if grey else [array]
        if rank == 5 and array.ndim == 2:
            return [array[..., None]]
        if rank == 5 and array.ndim == 3 and (thin or channels != 1):
            return [array]  # an image, of which frames or slices are made
        if array.ndim == rank - 2 and rank > 2 and (channels == 1 or rank == 4):
            return [array[..., None]]
        shape = ", ".join("any" if n is None else str(n) for n in spec.shape[1:])
        raise ValueError(
            f"`{self.argument}` must hold examples of the shape ({shape}) as the input "
            f"{spec.name!r} takes them, with or without the batch. Received: {array.shape} at "
            f"index {index}."
        )


def _identifier(name: str) -> str:
    """As `Signature` names inputs."""
    name = re.sub(r"\W", "_", name)
    return name if name[:1].isalpha() else f"tensor_{name}"


def _is_number(value: Any) -> bool:
    """Whether a list is an array in Python's own numbers."""
    while isinstance(value, list | tuple):
        if not value:
            return False
        value = value[0]
    return isinstance(value, int | float)
