"""Rows of results on our layers: the device, then values and gradients, then times."""

from collections.abc import Sequence
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import version
from itertools import product
from typing import Any

from gpu_study.cases import (
    CASES,
    FULL_SIZES,
    SMALL_SIZES,
    least_bytes,
    random_weights,
)
from gpu_study.layouts import FORMATS
from gpu_study.tasks import Absent, Task
from gpu_study.timing import seconds_a_call
from gpu_study.windows import GRADIENT_GATES, VALUE_GATES, Problem

TIMED = ("float32", "float16")
PASSES = ("forward", "gradient")
COPIED = {True: 2**28, False: 2**22}  # float32 values, on a GPU and on the CPU

Size = tuple[int, int, int, int]


def tasks(part: str, names: Sequence[str], small: bool) -> list[Task]:
    """What the part does, in order: all checks come before all times."""
    backend = _backend(part)
    if not backend.on_gpu and not small:
        raise Absent(f"{part} finds no GPU here; on the CPU use --small")
    sizes = SMALL_SIZES if small else FULL_SIZES
    precisions = ["float32", "float16", "bfloat16"] + ["tf32"] * backend.on_gpu
    rows: list[Task] = [Task({"kind": "device"}, partial(_device, backend))]
    for size, name, precision in product(sizes, names, precisions):
        for data_format in FORMATS:
            about = {"kind": "check", "layer": name, "size": size, "precision": precision}
            about["data_format"] = data_format
            rows.append(Task(about, partial(_check, backend, name, size, precision, data_format)))
        if backend.own and precision == "float32":
            about = {"kind": "check", "layer": name, "size": size, "precision": precision}
            about["data_format"] = "PyTorch's own"
            rows.append(Task(about, partial(_check_own, backend, name, size)))
    timed = product(TIMED[:1] if small else TIMED, sizes, names, PASSES)
    for dtype, size, name, one_pass in timed:
        about = {"kind": "time", "layer": name, "size": size, "precision": dtype, "pass": one_pass}
        rows.append(Task(about, partial(_time, backend, name, size, dtype, one_pass)))
    return rows


def _backend(part: str) -> Any:
    import os

    os.environ["KERAS_BACKEND"] = part
    for package in (part, "keras"):
        try:
            import_module(package)
        except ImportError as error:
            raise Absent(f"{package} is not installed here ({error})") from error
    if part == "jax":
        from gpu_study.jax_backend import JaxBackend

        return JaxBackend()
    from gpu_study.torch_backend import TorchBackend

    return TorchBackend()


def _device(backend: Any) -> dict[str, Any]:
    """The device, versions, and bytes a second that a large copy reads and writes."""
    values = COPIED[backend.on_gpu]
    times, failed = seconds_a_call({"copy": backend.copy(values)}, backend.wait)
    if failed:
        raise RuntimeError(failed["copy"])
    found = backend.describe()
    found["versions"]["keras"] = version("keras")
    bandwidth = 2 * 4 * values / times["copy"][0]
    return {**found, "on_gpu": backend.on_gpu, "bytes_a_second": bandwidth}


@lru_cache(maxsize=1)
def _problem(name: str, size: Size, dtype: str) -> Problem:
    layer = _layer(name, size, "channels_last", dtype)
    weights = random_weights(CASES[name], [tuple(w.shape) for w in layer.weights], dtype)
    return Problem(name, size, weights, dtype)


def _layer(name: str, size: Size, data_format: str, dtype: str) -> Any:
    """Built, its weights as they start."""
    n, c, h, w = size
    # float32 variables and half computation: how such a layer is trained.
    layer = CASES[name].layer(c, data_format, dtype if dtype == "float32" else f"mixed_{dtype}")
    layer.build((n, h, w, c) if data_format == "channels_last" else size)
    return layer


def _ready(name: str, size: Size, data_format: str, problem: Problem) -> Any:
    layer = _layer(name, size, data_format, problem.dtype)
    layer.set_weights(problem.weights)
    return layer


def _check(backend: Any, name: str, size: Size, precision: str, data_format: str) -> dict[str, Any]:
    problem = _problem(name, size, "float32" if precision == "tf32" else precision)
    layer = _ready(name, size, data_format, problem)
    if precision == "float32":
        with backend.in_full_precision():
            found = backend.run(layer, problem, data_format)
    else:
        found = backend.run(layer, problem, data_format)
    errors = problem.value_error(found.values), problem.gradient_error(found)
    return _verdict(*errors, precision)


def _check_own(backend: Any, name: str, size: Size) -> dict[str, Any]:
    """That PyTorch's operator, against which ours is timed, computes the same."""
    problem = _problem(name, size, "float32")
    with backend.in_full_precision():
        found = backend.run_own(name, problem)
    return _verdict(problem.value_error(found.values), None, "float32")


def _verdict(value: float, gradient: float | None, precision: str) -> dict[str, Any]:
    gates = VALUE_GATES[precision], GRADIENT_GATES[precision]
    passed = value <= gates[0] and (gradient is None or gradient <= gates[1])
    return {"value_error": value, "gradient_error": gradient, "gates": gates, "passed": passed}


def _time(backend: Any, name: str, size: Size, dtype: str, one_pass: str) -> dict[str, Any]:
    problem = _problem(name, size, dtype)
    layers = {f: _ready(name, size, f, problem) for f in FORMATS}
    calls = backend.calls(name, problem, layers, one_pass == "gradient")
    seconds, failed = seconds_a_call(calls, backend.wait)
    count = sum(w.size for w in problem.weights)
    least = least_bytes(name, size, count, 4 if dtype == "float32" else 2)
    total = least["forward"] + (least["gradient"] if one_pass == "gradient" else 0)
    return {"seconds": seconds, "failed": failed, "least_bytes": total, "passed": not failed}
