"""TFLite files, run by TFLM, the interpreter for microcontrollers (`pip install tflite-micro`)."""

import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from .._text import printable
from ..errors import ArtefactError
from ..files._scratch import scratch
from ._child import run_module
from ._litert import LiteRTRunner


class TflmRunner(LiteRTRunner):
    """Runs a `.tflite` file in `tflite-micro`, in a new process for each call.

    LiteRT reads the names and scales of inputs and outputs from the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, threads=1, delegate=False)
        self.runtime = f"TFLM {version('tflite-micro')}"
        self._order = self._places()

    def _run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        inputs, outputs = self._order
        with scratch() as folder:
            file, given, found = (folder / name for name in ("m.tflite", "in.npz", "out.npz"))
            file.write_bytes(self._content)
            placed: dict[str, Any] = {str(place): feeds[name] for name, place in inputs.items()}
            np.savez(given, **placed)
            done = run_module("runtimes._tflm_process", [*map(str, (file, given, found))])
            if not found.exists():
                reason = tflm_reason(done.stderr, f"its process ended with {done.returncode}")
                raise ArtefactError(
                    f"`{printable(self.path)}` does not run in {self.runtime}: {reason}"
                )
            with np.load(found) as values:
                return {name: values[str(place)] for name, place in outputs.items()}

    def _places(self) -> tuple[dict[str, int], dict[str, int]]:
        """Name -> position among the file's inputs, and the same for its outputs."""
        interpreter = self._interpreter
        orders = (interpreter.get_input_details(), interpreter.get_output_details())
        inputs, outputs = (
            {
                name: [d["index"] for d in order].index(detail["index"])
                for name, detail in own.items()
            }
            for own, order in zip(self._details, orders, strict=True)
        )
        return inputs, outputs


def tflm_reason(log: str, otherwise: str) -> str:
    """The interpreter's reason for refusing a file.

    Args:
        log: the standard error of its process.
        otherwise: the text to return if the log has no reason.
    """
    missing = re.search(r"Didn't find op for builtin opcode '(\w+)'", log)
    if missing:
        return f"it has no {missing.group(1)}"
    lines = [
        line.strip()
        for line in log.splitlines()
        if line.strip() and not re.match(r"Failed to (resize|allocate)|WARNING|I0000", line)
    ]
    return lines[0] if lines else otherwise
