"""Weights as a safetensors file of half-precision arrays; reading it runs no code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import first_line
from ..files._workshop import replace_file

ENDING = ".safetensors"


def write_weights(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write variable path -> array, as float16; whole or not at all.

    Half precision keeps 11 bits: weights of these networks lose nothing that their scores show
    (the scores in the cards are those of the file, not of the training run).

    Raises:
        ValueError: a value is not finite in float16 (above 65,504).
    """
    from safetensors.numpy import save

    halves: dict[str, Any] = {}
    for name, array in arrays.items():
        with np.errstate(over="ignore"):
            half = np.asarray(array).astype("float16")
        if not np.isfinite(half).all():
            raise ValueError(f"{name!r} holds values that float16 can't: above 65,504, or NaN.")
        halves[name] = np.ascontiguousarray(half)
    content = save(halves)
    with replace_file(path) as staged:
        staged.write_bytes(content)


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read them back as float32.

    Raises:
        ValueError: the file is damaged, or none of safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return {name: array.astype("float32") for name, array in load_file(path).items()}
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise ValueError(
            f"The weights file {path.name!r} can't be read: {first_line(error)}. Delete it if it "
            "was downloaded; else install the package anew."
        ) from error
