"""State dicts out of the files in which people keep them. Nothing in a file is executed."""

import json
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._text import printable
from ..errors import ArtefactError, first_line
from ._torch_module import load_torch

_SAFE = ".safetensors"
_WITHIN = ("state_dict", "model_state_dict", "model")
"""Where Lightning and common training loops put the state dict."""
_CONFIG = "config.json"
_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Checkpoint:
    """What a file says.

    Attributes:
        state: parameters and buffers by name.
        config: arguments that the network was built with, of a folder that `save_pretrained` wrote.
        source: for messages.
    """

    state: Mapping[str, Any]
    config: Mapping[str, Any]
    source: str


def read_checkpoint(weights: str | Path | Mapping[str, Any]) -> Checkpoint:
    """A checkpoint from a state dict, a file or a folder.

    Raises:
        ArtefactError: it is missing or damaged, or holds more than tensors.
    """
    if isinstance(weights, Mapping):
        return Checkpoint(_state_in(weights, "The checkpoint"), {}, "The state dict")
    path = Path(weights)
    source = f"`{printable(path)}`"
    if not path.is_dir():
        return Checkpoint(_state_in(_load(path), source), {}, source)
    file = next((path / name for name in _FILES if (path / name).is_file()), None)
    if file is None or not (path / _CONFIG).is_file():
        raise ArtefactError(
            f"{source} must hold {_CONFIG} and {' or '.join(_FILES)}, as `save_pretrained` writes "
            "them. Pass a folder of these, or a file of a state dict."
        )
    try:
        config = json.loads((path / _CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtefactError(f"`{path / _CONFIG}` is no JSON: {first_line(error)}") from error
    return Checkpoint(_state_in(_load(file), source), config, source)


def _load(path: Path) -> Any:
    if not path.is_file():
        raise ArtefactError(
            f"`{printable(path)}` does not exist. Pass a file of a state dict, or a folder."
        )
    torch = load_torch()
    try:
        if path.suffix == _SAFE:
            from safetensors.torch import load_file

            return load_file(str(path), device="cpu")
        return torch.load(str(path), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"`{found[1]}`" if found else "Python objects"
        raise ArtefactError(
            f"`{printable(path)}` holds {what} beside tensors, a whole module perhaps; it was not "
            "unpickled, "
            "as that runs code of the file. Where you trust it, save what is needed: `torch.save("
            'torch.load(path, weights_only=False).state_dict(), path)`, or `["state_dict"]` of a '
            "Lightning checkpoint."
        ) from error
    except Exception as error:  # of torch, safetensors, zip
        raise ArtefactError(f"`{printable(path)}` can't be read: {first_line(error)}") from error


def _state_in(found: Any, source: str) -> dict[str, Any]:
    torch = load_torch()
    for key in _WITHIN:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
            break
    if (
        isinstance(found, Mapping)
        and found
        and all(isinstance(tensor, torch.Tensor) for tensor in found.values())
    ):
        return {str(name): tensor for name, tensor in found.items()}
    keys = f" with {', '.join(map(repr, list(found)[:6]))}" if isinstance(found, Mapping) else ""
    raise ArtefactError(
        f"{source} holds no state dict, but a {type(found).__name__}{keys}. Save "
        "`module.state_dict()`."
    )


def under(state: Mapping[str, Any], roots: Sequence[str], prefix: str | None) -> dict[str, Any]:
    """The entries under a prefix, `model.` of Lightning for example, without it.

    Args:
        state: names with prefix.
        roots: children that the network has, by which the prefix is found where it is None.
        prefix: what to take.

    Raises:
        ArtefactError: no entry has the prefix, or several networks are in it.
    """
    if prefix is None:
        pattern = re.compile(rf"(.*?)({'|'.join(map(re.escape, roots))})\.")
        found: dict[str, set[str]] = {}
        for name in state:
            if match := pattern.match(name):
                found.setdefault(match[1], set()).add(match[2])
        whole = [start for start, children in found.items() if children == set(roots)]
        if len(whole) > 1:
            raise ArtefactError(
                f"The checkpoint holds several networks, under {', '.join(map(repr, whole))}. Pass "
                "one of these as `prefix`."
            )
        prefix = whole[0] if whole else ""
    taken = {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }
    if not taken:
        starts = sorted({name.partition(".")[0] for name in state})
        raise ArtefactError(
            f"No entry of the checkpoint begins with `prefix` {prefix!r}; they begin with "
            f"{_some(starts)}."
        )
    return taken


def load_into(module: Any, state: Mapping[str, Any], source: str, remedy: str) -> None:
    """Give a module its weights; every name and every shape must fit.

    Raises:
        ArtefactError: some do not; the message names them.
    """
    wanted = dict(module.state_dict())
    try:
        module.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        faults = []
        if missing := sorted(wanted.keys() - state.keys()):
            faults.append(f"missing are {_some(missing)}")
        if unexpected := sorted(state.keys() - wanted.keys()):
            faults.append(f"unexpected are {_some(unexpected)}")
        other = [
            f"{name} {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
            for name in sorted(wanted.keys() & state.keys())
            if state[name].shape != wanted[name].shape
        ]
        if other:
            faults.append(f"of another shape are {_some(other)}")
        told = "; ".join(faults) or first_line(error)
        raise ArtefactError(f"{source} does not fit: {told}. {remedy}") from error


def _some(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
