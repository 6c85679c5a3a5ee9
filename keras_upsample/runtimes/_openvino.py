"""ONNX files, run by OpenVINO on the CPU (optional: `pip install openvino`)."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import first_line
from ._layout import settle_layout
from ._runner import TensorInfo, cpu_threads, load_errors


class OpenVinoRunner:
    """Runs an `.onnx` file in OpenVINO, with float32 arithmetic (its default may be bfloat16)."""

    ordered = True

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        import openvino as ov

        self.path = path
        self.runtime = f"OpenVINO {ov.__version__.split('-')[0]}"
        core = ov.Core()
        with load_errors(path, self.runtime, _last_line):
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
        self.inputs, self.outputs = (
            tuple(_info(port, name) for port, name in zip(ports, names, strict=True))
            for ports, names in zip(
                (self._compiled.inputs, self._compiled.outputs),
                _names(path, self._compiled.inputs, self._compiled.outputs),
                strict=True,
            )
        )
        rt_info = self._model.get_rt_info()
        try:
            said: str | None = str(rt_info["framework"]["layout"].value)
        except (KeyError, TypeError, RuntimeError):
            said = None
        self.layout, self.layout_known = settle_layout(said, self.inputs)

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with self._one_at_a_time:
            # By place: a tensor has several names where the file hands it through.
            results = self._compiled([feeds[info.name] for info in self.inputs])
            return {info.name: np.array(results[place]) for place, info in enumerate(self.outputs)}

    def operator_counts(self) -> dict[str, int]:
        """Operators of the graph after OpenVINO has read it."""
        return dict(Counter(op.get_type_name() for op in self._model.get_ops()))


def _last_line(error: BaseException) -> str:
    # OpenVINO's errors begin with places in its own source and end with the reason.
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else first_line(error)


def _names(path: Path, *kinds: Sequence[Any]) -> tuple[list[str], ...]:
    """The file's names of inputs and outputs.

    OpenVINO keeps several names for one tensor, e.g. those before and after an identity or a
    transposition, and may return any of them. If a tensor has several, the file's order decides.
    """
    if all(len(port.get_names()) == 1 for ports in kinds for port in ports):
        return tuple([port.get_any_name() for port in ports] for ports in kinds)
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    constants = {item.name for item in graph.initializer}
    own = ([v.name for v in graph.input if v.name not in constants], [v.name for v in graph.output])
    return tuple(
        names if len(names) == len(ports) else [port.get_any_name() for port in ports]
        for names, ports in zip(own, kinds, strict=True)
    )


def _info(port: Any, name: str) -> TensorInfo:
    shape = tuple(None if n.is_dynamic else n.get_length() for n in port.partial_shape)
    return TensorInfo(name, shape, np.dtype(port.element_type.to_dtype()))
