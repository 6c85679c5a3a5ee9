"""ONNX files, run by ONNX Runtime."""

import os
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import first_line
from ..files._onnx_graph import external_files
from ..files._plain_path import plain_path
from ._layout import settle_layout
from ._onnx_memory import limit_of_first_runs, limited_arena, limited_run, refusal
from ._runner import TensorInfo, cpu_threads, load_errors

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(int16)": np.int16,
    "tensor(uint16)": np.uint16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


_ERROR_NUMBER = re.compile(r"system error number (\d+)")
_MUCH = 2**30  # bytes of values beside a file


class OnnxRunner:
    """Runs an `.onnx` file on the CPU provider of ONNX Runtime.

    One that is made within `first_runs` limits its memory until `lift_limit`.
    """

    ordered = True

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        import onnxruntime as ort

        self.path = path
        self._threads = threads
        self.runtime = f"ONNX Runtime {ort.__version__}"
        with load_errors(path, self.runtime, _reason):
            self._most = limit_of_first_runs(self, path)
            self._session: Any = self._make()
            self.inputs = tuple(_info(node) for node in self._session.get_inputs())
            self.outputs = tuple(_info(node) for node in self._session.get_outputs())
            self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        self._open = any(None in info.shape[1:] for info in self.inputs)
        said = self.metadata.get("layout")
        self.layout, self.layout_known = settle_layout(said, self.inputs)

    def _make(self) -> Any:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads or cpu_threads()
        options.log_severity_level = 3
        # Threads that wait for the next call by spinning take the processor from what the caller
        # does meanwhile: another session, the reading of the next image. So they spin long enough
        # to wait for the next operator, and no longer. (Stopped at the end of each call, by
        # "session.force_spinning_stop", they now and then sleep through the next one.)
        options.add_session_config_entry("session.intra_op.spin_duration_us", "200")
        if _bytes_beside(self.path) > _MUCH:
            # The layouts of the last level cost four copies of the weights while they are made;
            # without them values stay in the file, mapped into memory.
            level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
            options.graph_optimization_level = level
        with plain_path(self.path) as plain, limited_arena(options, self._most):
            return ort.InferenceSession(str(plain), options, providers=["CPUExecutionProvider"])

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        names = [info.name for info in self.outputs]
        if self._most is not None:
            try:
                return dict(zip(names, limited_run(self._session, names, feeds), strict=True))
            except Exception as error:
                refused = refusal(error, self.path, self._most)
                if refused is None:
                    raise
                if self._open:
                    raise refused from error
            self.lift_limit()  # `_first_load` has run the file's own size, and limits it
        return dict(zip(names, self._session.run(names, dict(feeds)), strict=True))

    def lift_limit(self) -> None:
        """End the limit of memory: the first runs are done. The file is loaded again.

        Raises:
            ArtefactError: it can't be loaded any more.
        """
        if self._most is not None:
            self._most = self._session = None  # before the other takes memory too
            with load_errors(self.path, self.runtime):
                self._session = self._make()

    def operator_counts(self) -> dict[str, int]:
        """Operators of the file as stored, before ONNX Runtime fuses any."""
        import onnx

        graph = onnx.load(str(self.path), load_external_data=False).graph
        return dict(Counter(node.op_type for node in graph.node))


def _bytes_beside(path: Path) -> int:
    with suppress(ValueError, OSError):  # what is wrong with it the runtime says
        return sum(file.stat().st_size for file in external_files(path))
    return 0


def _reason(error: BaseException) -> str:
    """ONNX Runtime's reason, with the system's words for the number of a system error."""
    return _ERROR_NUMBER.sub(lambda found: os.strerror(int(found[1])), first_line(error))


def _info(node: object) -> TensorInfo:
    shape = tuple(n if isinstance(n, int) else None for n in node.shape)  # type: ignore[attr-defined]
    return TensorInfo(node.name, shape, np.dtype(_DTYPES[node.type]))  # type: ignore[attr-defined]
