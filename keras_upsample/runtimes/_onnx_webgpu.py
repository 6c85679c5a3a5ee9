"""ONNX files, run by ONNX Runtime's WebGPU provider (`onnxruntime-ep-webgpu`)."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ._gpu import attempt, outputs_of
from ._onnx import OnnxRunner
from ._onnx_webgpu_process import MARK


class OnnxWebGpuRunner(OnnxRunner):
    """Runs an `.onnx` file on the GPU, in a new process for each call.

    ONNX Runtime runs on the processor what the provider has no kernel for, and copies the data
    there and back.

    Attributes:
        left: after a call: operator -> how many of that kind ran on the processor.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, threads=1)
        self.runtime += f" WebGPU {version('onnxruntime-ep-webgpu')}"
        self.left: dict[str, int] = {}

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        done = attempt("runtimes._onnx_webgpu_process", self.path, feeds, [])
        given = outputs_of(done, self.path, self.runtime)
        self.left = json.loads(done.log.partition(MARK)[2].splitlines()[0])
        return {info.name: given[info.name] for info in self.outputs}
