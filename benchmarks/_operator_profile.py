"""Seconds of each operator of a file, by the profiler of its runtime, on one thread.

python benchmarks/_operator_profile.py FILE    # .tflite or .onnx; prints JSON

It prints {"operators": [[name, seconds], ...], "work": [[name, multiply-adds, bytes], ...]}: what
the runtime executed, and what the file's operators compute, and read and write at least. The two
lists have different names where a runtime fuses operators or renames them.
"""

import ctypes
import json
import math
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

RUNS = 12
DEPTHWISE = "Conv, depthwise"
_CPU = 1  # kLiteRtHwAcceleratorCpu
_FREE = ("RESHAPE", "Reshape", "Squeeze", "Unsqueeze")  # nothing moves in memory


def main() -> None:
    """Print the profile of a file."""
    path = Path(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what runtimes print is no answer
    operators, work = (litert if path.suffix == ".tflite" else onnx_runtime)(path)
    print(json.dumps({"operators": operators, "work": work}), file=answers, flush=True)


def litert(path: Path) -> tuple[list, list]:
    """By LiteRT's C library: its Python interface has no profiler."""
    import ai_edge_litert

    library = ctypes.CDLL(str(Path(ai_edge_litert.__file__).with_name("libLiteRt.so")))
    profiler, run, summary = _compiled(library, path)
    for _ in range(2):
        run()
    least: dict[int, tuple[str, float]] = {}
    for _ in range(RUNS):
        _check(library.LiteRtStartProfiler(profiler))
        run()
        _check(library.LiteRtStopProfiler(profiler))
        for number, (name, seconds) in enumerate(_in_run_order(summary())):
            before = least.get(number, (name, math.inf))
            least[number] = (name, min(before[1], seconds))
        _check(library.LiteRtResetProfiler(profiler))
    return list(least.values()), list(_work_of_tflite(path))


def _compiled(library: Any, path: Path) -> tuple[Any, Callable[[], None], Callable[[], str]]:
    """A profiler, a call of the file on zeros, and the profiler's summary."""
    pointer, at = ctypes.c_void_p, ctypes.byref
    size = ctypes.c_size_t
    kept: list[Any] = []  # what the library points at

    def made(name: str, *before: Any) -> Any:
        found = pointer()
        kept.append(found)
        _check(getattr(library, name)(*before, at(found)))
        return found

    environment = made("LiteRtCreateEnvironment", 0, None)
    model = made("LiteRtCreateModelFromFile", environment, os.fsencode(path))
    options = made("LiteRtCreateOptions")
    _check(library.LiteRtSetOptionsHardwareAccelerators(options, _CPU))
    words = ctypes.create_string_buffer(b"enable_profiling = true\n")
    nothing = ctypes.CFUNCTYPE(None, pointer)(lambda _: None)
    kept += [words, nothing]
    more = made("LiteRtCreateOpaqueOptions", b"runtime_options_string", words, nothing)
    _check(library.LiteRtAddOpaqueOptions(options, more))
    compiled = made("LiteRtCreateCompiledModel", environment, model, options)
    profiler = made("LiteRtCompiledModelGetProfiler", compiled)
    signature = made("LiteRtGetModelSignature", model, size(0))

    def buffers(kind: str) -> tuple[Any, Any]:
        count = size()
        _check(getattr(library, f"LiteRtGetNumSignature{kind}s")(signature, at(count)))
        found = (pointer * count.value)()
        for i in range(count.value):
            tensor = made(f"LiteRtGetSignature{kind}TensorByIndex", signature, size(i))
            kind_of_tensor = ctypes.create_string_buffer(256)
            _check(library.LiteRtGetRankedTensorType(tensor, kind_of_tensor))
            needs = made(
                f"LiteRtGetCompiledModel{kind}BufferRequirements", compiled, size(0), size(i)
            )
            found[i] = made(
                "LiteRtCreateManagedTensorBufferFromRequirements",
                environment,
                kind_of_tensor,
                needs,
            )
        kept.append(found)
        return count, found

    taken, given = buffers("Input"), buffers("Output")

    def run() -> None:
        _check(library.LiteRtRunCompiledModel(compiled, size(0), *taken, *given))

    def summary() -> str:
        text = ctypes.c_char_p()
        _check(library.LiteRtGetProfileSummary(profiler, compiled, at(text)))
        return (text.value or b"").decode()

    run.kept = kept  # type: ignore[attr-defined]
    return profiler, run, summary


def _check(status: int) -> None:
    if status:
        raise RuntimeError(f"LiteRT: status {status}")


def _in_run_order(summary: str) -> Iterator[tuple[str, float]]:
    """The lines of the first table: node type, start, first, average in ms, ..."""
    for line in summary.partition("Top by Computation Time")[0].splitlines():
        words = line.replace("Delegate/", "").split()
        numbers = [i for i, word in enumerate(words) if _is_number(word)]
        if len(numbers) >= 4 and "%" in line and "[" in words[-1]:
            yield " ".join(words[: numbers[0]]), float(words[numbers[2]]) / 1e3


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdigit()


def _work_of_tflite(path: Path) -> Iterator[tuple[str, float, float]]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_path=str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    shapes = {each["index"]: each["shape"].tolist() for each in interpreter.get_tensor_details()}
    for operator in interpreter._get_ops_details():
        taken = [shapes.get(i, []) for i in operator["inputs"]]
        given = [shapes[i] for i in operator["outputs"]]
        name = operator["op_name"]
        yield name, _multiply_adds(name, taken, given), _bytes(name, [*taken, *given])


def onnx_runtime(path: Path) -> tuple[list, list]:
    """By the profile that ONNX Runtime writes."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        feeds = {
            x.name: np.zeros([n or 1 for n in x.shape], "float32") for x in session.get_inputs()
        }
        for _ in range(RUNS + 2):
            session.run(None, feeds)
        events = json.loads(Path(session.end_profiling()).read_text())
    nodes = [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
    times: dict[str, list[float]] = defaultdict(list)
    for node in nodes:
        times[node["name"]].append(node["dur"] / 1e6)
    first = {node["name"]: node["args"] for node in reversed(nodes)}
    operators, work = [], []
    for name, found in times.items():
        args = first[name]
        taken, given = _shapes(args["input_type_shape"]), _shapes(args["output_type_shape"])
        kind = args["op_name"]
        if kind in ("Conv", "FusedConv") and taken[1][1] == 1 < taken[0][1]:
            kind = DEPTHWISE
        operators.append((kind, min(found[2:])))
        work.append((kind, _multiply_adds(kind, taken, given), _bytes(kind, [*taken, *given])))
    return operators, work


def _shapes(found: Sequence[dict[str, list[int]]]) -> list[list[int]]:
    return [shape for each in found for shape in each.values()]


def _multiply_adds(name: str, taken: list[list[int]], given: list[list[int]]) -> float:
    """Of one operator, by the shapes of its inputs and of its first output."""
    if not given or len(taken) < 2:
        return 0.0
    out = math.prod(given[0])
    if name in ("CONV_2D", "FULLY_CONNECTED", "Conv", "FusedConv", DEPTHWISE):
        return float(out * math.prod(taken[1][1:]))
    if name == "DEPTHWISE_CONV_2D":
        return float(out * math.prod(taken[1][1:3]))
    if name == "TRANSPOSE_CONV":  # the output's shape, the weights, the map
        return float(math.prod(taken[2]) * math.prod(taken[1][:3]))
    if name == "ConvTranspose":
        return float(math.prod(taken[0]) * math.prod(taken[1][1:]))
    if name in ("BATCH_MATMUL", "MatMul", "FusedMatMul", "Gemm"):
        return float(out * taken[0][-1])
    return 0.0


def _bytes(name: str, shapes: Sequence[Sequence[int]]) -> float:
    return 0.0 if name in _FREE else 4.0 * sum(math.prod(shape) for shape in shapes)


if __name__ == "__main__":
    main()
