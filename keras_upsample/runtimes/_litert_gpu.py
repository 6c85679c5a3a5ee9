"""TFLite files, run by LiteRT's GPU accelerator (WebGPU), with nothing left to the processor."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .._text import printable
from ..errors import ArtefactError
from ._gpu import Attempt, attempt, outputs_of
from ._litert import LiteRTRunner


class LiteRTGpuRunner(LiteRTRunner):
    """Runs a `.tflite` file on the GPU, in a new process for each call.

    The whole file runs on the GPU or the call raises. The name of the device is added to `runtime`
    at the first call.

    Attributes:
        last: the last call's process: what it logged and refused.

    Args:
        path: the file.
        precision: `"float32"`, or `"float16"`, which is the accelerator's own default: it then
            computes in half precision where the device has it, and in float32 where not.
    """

    def __init__(self, path: Path, *, precision: str = "float32") -> None:
        super().__init__(path, threads=1, delegate=False)
        self._engine = self.runtime.removesuffix(" without XNNPACK") + f" GPU {precision}"
        self.runtime = self._engine
        self._precision = precision
        self.last: Attempt | None = None

    def _run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        inputs, _ = self._details
        for name, detail in inputs.items():
            fixed = tuple(int(n) for n in detail["shape"])
            if fixed != feeds[name].shape:
                raise ArtefactError(
                    f"`{printable(self.path)}` takes {fixed} as {name!r} on a GPU, which "
                    f"keeps sizes fixed. Received: {feeds[name].shape}. Export with that "
                    "`input_shape`."
                )
        module = "runtimes._litert_gpu_process"
        self.last = done = attempt(module, self.path, feeds, [self._precision])
        self.runtime = f"{self._engine} on {done.adapter}"
        return outputs_of(done, self.path, self._engine)
