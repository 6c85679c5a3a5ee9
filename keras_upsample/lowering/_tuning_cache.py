"""A cache of measured latencies on this machine."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..files._workshop import replace_file

if TYPE_CHECKING:
    from ..targets import Target


class TuningCache:
    """Block -> form -> seconds; one file for a target and the facts that its times depend on.

    A damaged file counts as empty. A file that can't be written is skipped: the cache only saves
    time.
    """

    def __init__(self, target: "Target", conditions: Sequence[str]) -> None:
        from ..files._cache import cache_folder

        names = (target.name, *conditions)
        self.path = cache_folder() / "tuning" / ("_".join(map(_file_name, names)) + ".json")
        self._times: dict[str, dict[str, float]] = _read(self.path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._times)

    def __getitem__(self, block: str) -> Mapping[str, float]:
        return self._times[block]

    def get(self, block: str) -> Mapping[str, float] | None:
        return self._times.get(block)

    def put(self, block: str, times: Mapping[str, float]) -> None:
        """Store times, and keep those that another process has written meanwhile."""
        with suppress(OSError), replace_file(self.path) as staged:
            self._times = {**_read(self.path), **self._times, block: dict(times)}
            text = json.dumps(self._times, indent=1, sort_keys=True)
            staged.write_text(text, encoding="utf-8")


def _read(path: Path) -> dict[str, dict[str, float]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(block): {str(form): float(seconds) for form, seconds in times.items()}
            for block, times in found.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


# As Linux names them on x86 and ARM -> what a runtime chooses its kernels by.
_INSTRUCTIONS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "VNNI",
    "avx_vnni": "VNNI",
    "amx_int8": "AMX",
    "asimddp": "dot products",
    "i8mm": "I8MM",
    "sve": "SVE",
}


def processor() -> str:
    """The processor's model and its instructions, as the operating system reports them.

    Several generations of processors may have the same model name.
    """
    name = _facts().get("model name") or platform.processor() or platform.machine()
    known = instructions()
    return f"{name} ({', '.join(known)})" if known else name


def instructions() -> tuple[str, ...]:
    """The processor's instructions that runtimes choose their kernels by; empty if unknown."""
    facts = _facts()
    flags = f"{facts.get('flags', '')} {facts.get('Features', '')}".split()
    return tuple(dict.fromkeys(text for flag, text in _INSTRUCTIONS.items() if flag in flags))


def _facts() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}


def _file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in text)
