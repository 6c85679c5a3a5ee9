"""A layers model of TensorFlow.js: `model.json` and the files of its weights."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._text import printable
from ..errors import ArtefactError, first_line

_DTYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint16": "<u2", "uint8": "u1"}
_MOST_BYTES = 1 << 28  # of model.json


@dataclass(frozen=True)
class TfjsFile:
    """A layers model.

    Attributes:
        config: the model's configuration, as Keras 2 or 3 wrote it.
        version: of the Keras that wrote it, "" if unknown.
        weights: name, e.g. `conv/kernel`, -> values in float32.
    """

    config: dict[str, Any]
    version: str
    weights: Mapping[str, np.ndarray]


def read_tfjs(path: Path) -> TfjsFile:
    """Read `model.json` and the shards that it names, which lie beside it.

    Raises:
        ArtefactError: a file is missing or damaged, or is no layers model.
    """
    if not path.is_file():
        raise ArtefactError(
            f"`{printable(path)}` does not exist. Pass the model.json of a TF.js model."
        )
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES:,} bytes")
        plain = json.loads(path.read_bytes())
        kind, topology = plain.get("format", "layers-model"), plain["modelTopology"]
        config = topology.get("model_config", topology)
        if kind == "layers-model" and not {"class_name", "config"} <= config.keys():
            raise ValueError("its modelTopology has no `class_name` and `config`")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ArtefactError(
            f"`{printable(path)}` is no model.json of TF.js: {first_line(error)}"
        ) from error
    if kind != "layers-model":
        raise ArtefactError(
            f"`{printable(path)}` is a {kind}; layers models are read. Convert the Keras model by "
            "`tensorflowjs_converter --output_format=tfjs_layers_model`."
        )
    try:
        weights = dict(_weights(plain.get("weightsManifest", []), path.parent))
    except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
        raise ArtefactError(
            f"`{printable(path)}`: its weights can't be read: {first_line(error)}"
        ) from error
    return TfjsFile(config, str(topology.get("keras_version", "")), weights)


def _weights(manifest: list[Any], folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    seen = set()
    for group in manifest:
        content, at = b"".join(_shard(folder, name) for name in group["paths"]), 0
        for entry in group["weights"]:
            name, shape = str(entry["name"]), tuple(int(n) for n in entry["shape"])
            facts = entry.get("quantization")
            dtype = (facts or entry)["dtype"]
            if dtype not in _DTYPES or min(shape, default=0) < 0:
                raise ValueError(f"{name!r} is {dtype} of shape {shape}; {', '.join(_DTYPES)}")
            if name in seen:
                raise ValueError(f"two are called {name!r}")
            seen.add(name)
            size = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
            if at + size > len(content):
                raise ValueError(
                    f"{name!r} would end at byte {at + size} of {len(content)} in "
                    f"{', '.join(group['paths'])}"
                )
            stored = np.frombuffer(content[at : at + size], _DTYPES[dtype]).reshape(shape)
            yield name, _real(stored, facts)
            at += size
        if at != len(content):
            raise ValueError(f"{', '.join(group['paths'])} has {len(content) - at} bytes too many")


def _shard(folder: Path, name: Any) -> bytes:
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"the file {name!r} does not lie beside model.json")
    return (folder / name).read_bytes()


def _real(stored: np.ndarray, facts: Any) -> np.ndarray:
    """Integers of 8 or 16 bits stand for scale · n + min."""
    values = stored.astype("float32")
    if facts and "scale" in facts:
        values = values * np.float32(facts["scale"]) + np.float32(facts["min"])
    return values
