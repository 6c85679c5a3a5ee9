"""ONNX files, run by OpenVINO on the CPU (optional: `pip install keras-upsample[openvino]`)."""

import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import first_line
from ._layout import settled
from ._runner import TensorInfo, cpu_threads, loading


class OpenVinoRunner:
    """Runs an `.onnx` file in OpenVINO, with float32 arithmetic (its default may be bfloat16)."""

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        import openvino as ov

        self.path = path
        self.runtime = f"OpenVINO {ov.__version__.split('-')[0]}"
        core = ov.Core()
        with loading(path, self.runtime, _last_line):
            self._model = core.read_model(str(path))
            self._compiled = core.compile_model(
                self._model,
                "CPU",
                {
                    "INFERENCE_NUM_THREADS": threads or cpu_threads(),
                    "INFERENCE_PRECISION_HINT": "f32",
                },
            )
        self._one_at_a_time = threading.Lock()  # a compiled model called directly has one request
        self.inputs = tuple(_info(port) for port in self._compiled.inputs)
        self.outputs = tuple(_info(port) for port in self._compiled.outputs)
        rt_info = self._model.get_rt_info()
        try:
            said: str | None = str(rt_info["framework"]["layout"].value)
        except (KeyError, TypeError, RuntimeError):
            said = None
        self.layout, self.layout_known = settled(said, self.inputs)

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with self._one_at_a_time:
            results = self._compiled(dict(feeds))
            return {port.get_any_name(): np.array(results[port]) for port in self._compiled.outputs}

    def operator_counts(self) -> dict[str, int]:
        """Operators of the graph as OpenVINO read it."""
        return dict(Counter(op.get_type_name() for op in self._model.get_ops()))


def _last_line(error: BaseException) -> str:
    # OpenVINO's errors begin with places in its own source and end with the reason.
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else first_line(error)


def _info(port: object) -> TensorInfo:
    shape = tuple(
        None if n.is_dynamic else n.get_length()
        for n in port.partial_shape  # type: ignore[attr-defined]
    )
    return TensorInfo(
        port.get_any_name(),  # type: ignore[attr-defined]
        shape,
        np.dtype(port.element_type.to_dtype()),  # type: ignore[attr-defined]
    )
