"""ONNX files and OpenVINO IR, run by OpenVINO on the CPU (optional: `pip install openvino`)."""

import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from .._others._openvino import openvino
from ..errors import first_line
from ..files._openvino_ir import values_path
from ..files._plain_path import plain_path
from ._layout import settle_layout
from ._runner import TensorInfo, cpu_threads, load_errors

_OF_RESULT = "/sink_port_0"
"""End of an output node's name, after the name of the tensor."""

_TYPES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}


class OpenVinoRunner:
    """Runs an `.onnx` or `.xml` file in OpenVINO.

    Args:
        path: the file.
        threads: number of processor threads; default all.
        precision: arithmetic, `"f32"`; None for what OpenVINO chooses by itself, which is bfloat16
            on processors that have it.
    """

    ordered = True

    def __init__(
        self, path: Path, *, threads: int | None = None, precision: str | None = "f32"
    ) -> None:
        ov = openvino()

        self.path = path
        self.runtime = f"OpenVINO {ov.__version__.split('-')[0]}"
        core = ov.Core()
        options: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads or cpu_threads()}
        if precision is not None:
            options["INFERENCE_PRECISION_HINT"] = precision
        with load_errors(path, self.runtime, _last_line), ExitStack() as stack:
            files = [str(stack.enter_context(plain_path(part))) for part in _parts(path)]
            self._model = core.read_model(*files)
            self._compiled = core.compile_model(self._model, "CPU", options)
        if precision is None:
            chosen = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
            self.runtime += f", {_TYPES.get(chosen, chosen)} by default"
        self._one_at_a_time = threading.Lock()  # a compiled model called directly has one request
        self.inputs, self.outputs = (
            tuple(_info(port, name) for port, name in zip(ports, names, strict=True))
            for ports, names in zip(
                (self._compiled.inputs, self._compiled.outputs),
                self._names(),
                strict=True,
            )
        )
        rt_info = self._model.get_rt_info()
        try:
            said: str | None = str(rt_info["framework"]["layout"].value)
        except (AttributeError, KeyError, TypeError, RuntimeError):  # none in files of others
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

    def _names(self) -> tuple[list[str], ...]:
        """The file's names of inputs and outputs.

        OpenVINO keeps several names for one tensor, e.g. those before and after an identity or a
        transposition, and may return any of them. If a tensor has several, the file's order
        decides.
        """
        kinds = self._compiled.inputs, self._compiled.outputs
        if all(len(port.get_names()) == 1 for ports in kinds for port in ports):
            return tuple([port.get_any_name() for port in ports] for ports in kinds)
        own = _names_in_onnx(self.path) if self.path.suffix == ".onnx" else self._names_of_nodes()
        return tuple(
            names if len(names) == len(ports) else [port.get_any_name() for port in ports]
            for names, ports in zip(own, kinds, strict=True)
        )

    def _names_of_nodes(self) -> tuple[list[str], ...]:
        """Of IR, where the nodes of inputs and outputs are called after the tensors."""
        return tuple(
            [port.get_node().get_friendly_name().removesuffix(_OF_RESULT) for port in ports]
            for ports in (self._model.inputs, self._model.outputs)
        )


def _parts(path: Path) -> list[Path]:
    """The paths that OpenVINO is given; it finds the values beside a link in vain."""
    values = values_path(path)
    return [path, values] if path.suffix == ".xml" and values.is_file() else [path]


def _last_line(error: BaseException) -> str:
    # OpenVINO's errors begin with places in its own source and end with the reason.
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else first_line(error)


def _names_in_onnx(path: Path) -> tuple[list[str], ...]:
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    constants = {item.name for item in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in constants]
    return inputs, [value.name for value in graph.output]


def _info(port: Any, name: str) -> TensorInfo:
    shape = tuple(None if n.is_dynamic else n.get_length() for n in port.partial_shape)
    return TensorInfo(name, shape, np.dtype(port.element_type.to_dtype()))
