"""Vela, Arm's compiler for Ethos-U, in a process of its own."""

import csv
import glob
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from .._installed import need
from .._text import printable
from ..errors import ArtefactError
from ..files._plain_path import plain_path
from ..files._scratch import scratch
from ._file import read


@dataclass(frozen=True)
class Compiled:
    """Vela's report on a file.

    Attributes:
        vela: version of Vela.
        left: names of the outputs of operators that stay on the CPU.
        reasons: output name -> why its operator stays on the CPU.
        kinds: kind of operator -> how many stay on the CPU, to find those whose output was renamed.
        milliseconds: Vela's estimate of one inference, without the operators on the CPU.
        sram, flash: KiB of working memory and of weights.
        settings: the system and memory configuration that Vela assumed.
    """

    vela: str
    left: frozenset[str]
    reasons: dict[str, str]
    kinds: Counter[str]
    milliseconds: float
    sram: float
    flash: float
    settings: str


def require_vela() -> None:
    """Raise unless Vela is installed.

    Raises:
        ModuleNotFoundError: it is not.
    """
    need("ethosu", "Vela is not installed.", "ethos-u-vela")


def compile_file(path: Path, accelerator: str, keep: Path | None = None) -> Compiled:
    """Compile a TFLite file.

    Args:
        path: a TFLite file of full-integer arithmetic.
        accelerator: Vela's name of the accelerator, e.g. `"ethos-u85-256"`.
        keep: a folder for the files that Vela writes.

    Raises:
        ModuleNotFoundError: Vela is not installed.
        ArtefactError: Vela refuses the file.
    """
    require_vela()
    with scratch() as folder, plain_path(path) as plain:
        out = keep or folder
        command = [
            sys.executable, "-m", "ethosu.vela", str(plain.absolute()),
            "--accelerator-config", accelerator,
            "--output-dir", str(out), "--show-cpu-operations",
        ]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
        text = done.stdout + done.stderr
        compiled = out / f"{plain.stem}_vela.tflite"
        if done.returncode or not compiled.is_file():
            lines = [line for line in text.splitlines() if line and "Warning" not in line]
            raise ArtefactError(
                f"`{printable(path)}` can't be compiled by Vela: "
                f"{lines[-1] if lines else 'no reason given'}"
            )
        cpu = [op for op in read(compiled).operators if op.name != "ethos-u"]
        summary = next(out.glob(f"{glob.escape(plain.stem)}_summary_*.csv"))
        with summary.open(encoding="utf-8", errors="replace") as file:
            figures = next(csv.DictReader(file))
    return Compiled(
        version("ethos-u-vela"),
        frozenset(op.outputs[0].name for op in cpu if op.outputs),
        _reasons(text),
        Counter(op.name for op in cpu),
        1e3 * float(figures["inference_time"]),
        float(figures["sram_memory_used"]),
        float(figures["dram_memory_used"]) + float(figures["off_chip_flash_memory_used"]),
        f"{figures['system_config']}, {figures['memory_mode']}",
    )


def _reasons(text: str) -> dict[str, str]:
    """Parse `Warning (...) operator: KIND, ofm: 'name'` and the next lines, `Reason: ...`."""
    found: dict[str, str] = {}
    pattern = r"operator: \S+, (?:ofm|ifm|name): '([^']+)'\s*\n?\s*(?:Reason:|-)?\s*([^\n]+)"
    for name, reason in re.findall(pattern, text):
        found.setdefault(name, reason.strip())
    return found
