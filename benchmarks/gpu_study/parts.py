"""Runs the parts one after another, each in a process of its own and no longer than its time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from gpu_study.worker import LAYER_PARTS

BENCHMARKS = Path(__file__).parents[1]
ROOT = BENCHMARKS.parent

SHARES = {"onnxruntime": 2, "tensorrt": 2, "jax": 4, "torch": 7}
"""Parts, in order, and their shares of the time; what one leaves goes to those after it.

PyTorch comes last, for it compiles the longest and has its times in the order of their use.
"""

WORKER = [sys.executable, "-m", "gpu_study.worker"]
_POLL = 0.2
_LOG = 3000  # characters


def run_parts(
    parts: Sequence[str],
    layers: Sequence[str],
    small: bool,
    folder: Path,
    seconds: float,
    write: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """The results by part; `write` gets them after every new row.

    Returns:
        part -> {"rows": [...], "failed": why it ended early or "", "absent": what it lacks or "",
        "seconds": how long it ran, "log": the end of what it printed}.
    """
    end = monotonic() + seconds
    results: dict[str, Any] = {}
    for number, part in enumerate(parts):
        left = [SHARES[p] for p in parts[number:]]
        budget = max(0.0, end - monotonic()) * left[0] / sum(left)
        results[part] = {"rows": [], "failed": "", "absent": "", "seconds": 0.0}
        arguments = {"part": part, "layers": list(layers), "small": small, "folder": str(folder)}
        _run(arguments, budget, results[part], lambda: write(results))
    return results


def _run(
    arguments: dict[str, Any], budget: float, result: dict[str, Any], changed: Callable[[], None]
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        rows, log = Path(scratch, "rows.jsonl"), Path(scratch, "log.txt")
        rows.touch()
        start = monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*WORKER, json.dumps(arguments), str(rows)],
                env=_environment(arguments["part"], arguments["small"], scratch),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that its compilers can be ended with it
            )
        try:
            while process.poll() is None and monotonic() - start < budget:
                if _take(rows, result):
                    changed()
                sleep(_POLL)
            stopped = process.poll() is None
        finally:
            _end(process)
        _take(rows, result)
        result["seconds"] = round(monotonic() - start, 1)
        text = log.read_text(errors="replace").strip()
        result["log"] = text[-_LOG:]
        done = len(result["rows"])
        planned = result.pop("planned", None)
        where = f"{done} of {planned} rows" if planned else "the first row"
        if stopped:
            result["failed"] = f"stopped after {budget:.0f} s, at {where}"
        elif process.returncode:
            last = text.splitlines()[-1] if text else ""
            said = f"exit code {process.returncode}: {last[:300]}"
            result["failed"] = f"ended at {where}, {said}"
        changed()


def _environment(part: str, small: bool, scratch: str) -> dict[str, str]:
    paths = [str(BENCHMARKS), str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    # A compiler that is stopped leaves half a library, which the next run would load.
    environment["TORCHINDUCTOR_CACHE_DIR"] = str(Path(scratch, "inductor"))
    if part in LAYER_PARTS:
        environment["KERAS_BACKEND"] = part
    if small:  # threads that wait for one another cost more than such small sizes
        environment |= {"OMP_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    return environment


def _take(rows: Path, result: dict[str, Any]) -> bool:
    """Take what is new in the file over into the result; whether anything was."""
    lines = [json.loads(line) for line in rows.read_text().splitlines(True) if line[-1] == "\n"]
    found = []
    for line in lines:
        if line["kind"] == "absent":
            result["absent"] = line["reason"]
        elif line["kind"] == "plan":
            result["planned"] = line["rows"]
        else:
            found.append(line)
    new = len(found) > len(result["rows"])
    result["rows"] = found
    return new


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, if it still runs, and what it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
