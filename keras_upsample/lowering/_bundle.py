"""A bundle: a program's blocks as files, each in all its forms, to be timed on another device."""

import json
import random
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from .._version import __version__
from ..files._durable import is_of_disk
from ..files._sha256 import sha256_of
from ..program._applied import KEEP
from ..program._graph import Graph
from ..program._program import Program
from ._block_files import write_block
from ._block_key import key_of
from ._rewrite import Rewrite
from ._rewriting import Choose, rehearse
from ._timings import KIND, VERSION

if TYPE_CHECKING:
    from ..targets import Target

DESCRIPTION = "bundle.json"
_SCRIPTS = ("run.sh", "benchmark_model.py")
_README = "README.md"

# A form that is taken may give rise to further blocks. So the program is lowered with every form
# of each block in turn, and then with random ones, until nothing new is found in some rounds.
_QUIET_ROUNDS = 3
_MOST_ROUNDS = 16


def own_blocks(program: Program, target: "Target") -> dict[str, str]:
    """The blocks of a program that have several forms: key -> description.

    Raises:
        NotAGraphError: the program can't be read.
    """
    found: dict[str, str] = {}

    def choose(proposal: Rewrite, graph: Graph) -> tuple[str, float | None]:
        if proposal.certain is not None:
            return proposal.certain, None
        found[key_of(proposal, target)] = str(proposal.block)
        return KEEP, None

    rehearse(program, target, choose)
    return found


def write_bundle(
    program: Program, target: "Target", folder: Path, progress: Callable[[str], None]
) -> dict[str, dict[str, str]]:
    """Write a bundle into an empty folder.

    Args:
        program: the program, as `lower_program` takes it for an export.
        target: a TFLite target.
        folder: the folder.
        progress: called with the description of each block.

    Returns:
        Key of the block -> form -> file name. Empty if no block has several forms; nothing was
        written then.

    Raises:
        NotAGraphError: the program can't be read.
        OSError: the disk can't take a file.
    """
    blocks = _Blocks(target, folder, progress)
    generator = random.Random(0)
    blocks.rehearse(program, lambda forms: KEEP)
    for number in range(1, max(map(len, blocks.found.values()), default=0)):
        blocks.rehearse(program, lambda forms, n=number: forms[n % len(forms)])  # type: ignore[misc]
    quiet = 0
    for _ in range(_MOST_ROUNDS if blocks.found else 0):
        before = len(blocks.found)
        blocks.rehearse(program, generator.choice)
        quiet = 0 if len(blocks.found) > before else quiet + 1
        if quiet == _QUIET_ROUNDS:
            break
    if not blocks.found:
        return {}
    about = {
        "kind": KIND,
        "version": VERSION,
        "written_by": f"keras-upsample {__version__}",
        "model": program.name,
        "inputs": {spec.name: list(spec.shape) for spec in program.signature.fixed().inputs},
        "target": target.name,
        "blocks": blocks.found,
        "sha256": {name: digest for digest, name in sorted(blocks.digests.items(), key=_second)},
    }
    (folder / DESCRIPTION).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    _write_scripts(folder, target)
    return blocks.found


def files_of_bundle(folder: Path) -> set[str] | None:
    """The names of the files that a bundle in this folder consists of; None if there is none."""
    try:
        about = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if about["kind"] != KIND:
            return None
        return {DESCRIPTION, _README, *_SCRIPTS, *map(str, about["sha256"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


class _Blocks:
    """Writes each block once, in all its forms."""

    def __init__(self, target: "Target", folder: Path, progress: Callable[[str], None]) -> None:
        self._target, self._folder, self._progress = target, folder, progress
        self.found: dict[str, dict[str, str]] = {}
        self.digests: dict[str, str] = {}  # -> file name; equal files are kept once
        self.failure: Exception | None = None

    def rehearse(self, program: Program, pick: Callable[[list[str]], str]) -> None:
        """Lower the program with forms by `pick`, and write the blocks that are new."""
        try:
            rehearse(program, self._target, self._chooser(pick))
        finally:
            if self.failure is not None:
                raise self.failure

    def _chooser(self, pick: Callable[[list[str]], str]) -> Choose:
        def choose(proposal: Rewrite, graph: Graph) -> tuple[str, float | None]:
            if proposal.certain is not None:
                return proposal.certain, None
            key = key_of(proposal, self._target)
            if key not in self.found:
                self._progress(str(proposal.block))
                try:
                    self.found[key] = self._written(proposal, graph)
                except Exception as error:  # the engine would take it for an error of the rule
                    self.failure = error
                    raise
            return pick(list(self.found[key])), None

        return choose

    def _written(self, proposal: Rewrite, graph: Graph) -> dict[str, str]:
        """Form -> file name, without the forms that the target can't have."""
        names: dict[str, str] = {}
        number = len(self.found) + 1
        for form in (KEEP, *proposal.forms):
            name = f"block{number:02}_{_plain(proposal.rule)}_{_plain(form)}{self._target.suffix}"
            path = self._folder / name
            try:
                write_block(proposal, graph, form, self._target, path)
            except Exception as error:
                if form == KEEP or is_of_disk(error):
                    raise
                path.unlink(missing_ok=True)
                continue
            digest = sha256_of(path)
            names[form] = self.digests.setdefault(digest, name)
            if names[form] != name:
                path.unlink()
        return names


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")


def _second(pair: tuple[str, str]) -> str:
    return pair[1]


def _write_scripts(folder: Path, target: "Target") -> None:
    source = files(__package__) / "bundle"
    gpu = " --use_gpu=true" if target.device else ""
    for name in (*_SCRIPTS, _README):
        text = (source / name).read_text(encoding="utf-8")
        place = folder / name
        place.write_text(text.replace("@FLAGS@", gpu), encoding="utf-8", newline="\n")
        if name in _SCRIPTS:
            place.chmod(0o755)
