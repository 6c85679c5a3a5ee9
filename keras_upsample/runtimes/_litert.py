"""TFLite files, run by LiteRT (`ai-edge-litert`), or by TensorFlow's own interpreter for Flex."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._others import _tf_lite
from .._others._litert import operator_names
from ..errors import first_line
from ..files._flatbuffer import read_root
from ..metadata._tflite import WHOLE_ENTRY
from ._layout import settle_layout
from ._runner import TensorInfo, cpu_threads, load_errors

_NO_FLEX = (
    "it needs Select-TF (Flex) operators, which this interpreter does not have. The Python "
    "packages of LiteRT never had them, those of TensorFlow no longer do since 2.20."
)


class LiteRTRunner:
    """Runs a `.tflite` file.

    Args:
        path: the file.
        threads: number of processor threads. Default: all that this process may use.
        flex: use TensorFlow's interpreter, the only one that can have the Select-TF (Flex)
            operators. TensorFlow's packages since 2.20 lack them.
        delegate: use the XNNPACK delegate for the operators that it supports, LiteRT's default.
    """

    ordered = True

    def __init__(
        self,
        path: Path,
        *,
        threads: int | None = None,
        flex: bool = False,
        delegate: bool = True,
    ) -> None:
        self.path = path
        module, self.runtime = _interpreter(flex)
        resolver = module.OpResolverType.AUTO
        if not delegate:
            self.runtime += " without XNNPACK"
            resolver = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._module = module
        self._runner: Any = None
        self._one_at_a_time = threading.Lock()  # the inputs of a call lie in the interpreter
        with load_errors(path, self.runtime, _reason):
            # Bytes, not the path: LiteRT maps a file by path, and a mapped file that is then
            # replaced takes the process down.
            self._content = path.read_bytes()
            self._interpreter = module.Interpreter(
                model_content=self._content,
                num_threads=threads or cpu_threads(),
                experimental_op_resolver_type=resolver,
            )
            self._interpreter.allocate_tensors()
            signatures = self._interpreter.get_signature_list()
            if signatures:
                default = "serving_default"
                key = default if default in signatures else next(iter(signatures))
                self._runner = self._interpreter.get_signature_runner(key)
                inputs = _by_place(
                    self._runner.get_input_details(),
                    self._interpreter.get_input_details(),
                    lambda: _entries(self._content, key, "inputs"),
                )
                outputs = _by_place(
                    self._runner.get_output_details(),
                    self._interpreter.get_output_details(),
                    lambda: _entries(self._content, key, "outputs"),
                )
            else:
                inputs = {d["name"]: d for d in self._interpreter.get_input_details()}
                outputs = {d["name"]: d for d in self._interpreter.get_output_details()}
            self._details = inputs, outputs  # by name
            self.inputs = tuple(_info(name, detail) for name, detail in inputs.items())
            self.outputs = tuple(_info(name, detail) for name, detail in outputs.items())
            said = "nhwc" if WHOLE_ENTRY.encode() in self._content else None  # we write no other
            self.layout, self.layout_known = settle_layout(said, self.inputs)
            self._in = {name: _Scale.of(detail) for name, detail in inputs.items()}
            self._out = {name: _Scale.of(detail) for name, detail in outputs.items()}

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run once; pass and return real numbers where the file has scaled integers."""
        stored = {name: self._in[name].stored(value) for name, value in feeds.items()}
        given = self._run(stored)
        return {name: scale.real(given[name]) for name, scale in self._out.items()}

    def _run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with self._one_at_a_time:
            if self._runner is not None:
                return self._runner(**feeds)
            details = self._interpreter.get_input_details()
            other = [d for d in details if tuple(d["shape"]) != feeds[d["name"]].shape]
            for detail in other:  # a signature's runner does so itself
                self._interpreter.resize_tensor_input(detail["index"], feeds[detail["name"]].shape)
            if other:
                self._interpreter.allocate_tensors()
            for detail in details:
                self._interpreter.set_tensor(detail["index"], feeds[detail["name"]])
            self._interpreter.invoke()
            return {
                detail["name"]: self._interpreter.get_tensor(detail["index"])
                for detail in self._interpreter.get_output_details()
            }

    def operator_counts(self) -> dict[str, int]:
        """Operators of the file as stored, before a delegate replaces any."""
        resolver = self._module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        plain = self._module.Interpreter(
            model_content=self._content, experimental_op_resolver_type=resolver
        )
        return dict(Counter(operator_names(plain)))

    def delegate_partitions(self) -> int:
        """Number of pieces into which XNNPACK, the default delegate, cuts the graph; 1 is best."""
        return operator_names(self._interpreter).count("DELEGATE")


def _by_place(
    named: Mapping[str, Mapping[str, Any]],
    placed: Sequence[Mapping[str, Any]],
    entries: Callable[[], Sequence[str]],
) -> dict[str, Mapping[str, Any]]:
    """A signature's tensors in the graph's order; the signature runner sorts them by name.

    Args:
        entries: returns the names in the file's order; called if two names are of one tensor.
    """
    own = {detail["index"] for detail in named.values()}
    waiting: dict[int, list[str]] = {}
    for name in named if len(own) == len(named) else entries():
        waiting.setdefault(named[name]["index"], []).append(name)
    names = [waiting[d["index"]].pop(0) for d in placed if waiting.get(d["index"])]
    return {name: named[name] for name in dict.fromkeys([*names, *named])}


def _entries(content: bytes, key: str, kind: str) -> list[str]:
    """Names of a signature's "inputs" or "outputs" in the file's order."""
    signatures = read_root(content, "Model").all("signature_defs")
    found = [s for s in signatures if s.get("signature_key", b"").decode() == key]
    return [end.get("name").decode() for end in found[0].all(kind)]


def _reason(error: BaseException) -> str:
    return _NO_FLEX if "Select TensorFlow op" in str(error) else first_line(error)


def _interpreter(flex: bool) -> tuple[Any, str]:
    if flex:
        import tensorflow as tf

        name = f"TensorFlow Lite with Flex (TensorFlow {tf.__version__})"
        return _tf_lite.interpreter_module(), name
    from importlib.metadata import version

    from ai_edge_litert import interpreter

    return interpreter, f"LiteRT {version('ai-edge-litert')}"


@dataclass(frozen=True)
class _Scale:
    """real = scale (stored - zero); scale 0 if the file stores the numbers unscaled."""

    dtype: np.dtype
    scale: float
    zero: int

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> "_Scale":
        dtype = np.dtype(detail["dtype"])
        scale, zero = detail["quantization"]
        return cls(dtype, float(scale) if dtype.kind in "iu" else 0.0, int(zero))

    def stored(self, value: np.ndarray) -> np.ndarray:
        if not self.scale or value.dtype.kind != "f":
            return value
        limits = np.iinfo(self.dtype)
        whole = np.round(value / self.scale) + self.zero
        return whole.clip(limits.min, limits.max).astype(self.dtype)

    def real(self, value: np.ndarray) -> np.ndarray:
        if not self.scale:
            return value
        return ((value.astype("float32") - self.zero) * np.float32(self.scale)).astype("float32")


def _info(name: str, detail: Mapping[str, Any]) -> TensorInfo:
    signature = detail.get("shape_signature", detail["shape"])
    shape = signature if len(signature) == len(detail["shape"]) else detail["shape"]
    dtype = np.dtype("float32") if _Scale.of(detail).scale else np.dtype(detail["dtype"])
    return TensorInfo(name, tuple(None if n < 0 else int(n) for n in shape), dtype)
