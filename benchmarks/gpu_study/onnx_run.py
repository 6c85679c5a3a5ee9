"""Rows of results on the prepared ONNX files, by ONNX Runtime's CUDA or TensorRT provider."""

import importlib
import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gpu_study.manifest import PreparedFile, read_manifest
from gpu_study.tasks import Absent, Task
from gpu_study.timing import seconds_a_call

CPU, CUDA, TENSORRT = (f"{n}ExecutionProvider" for n in ("CPU", "CUDA", "Tensorrt"))
PROVIDERS = {"onnxruntime": CUDA, "tensorrt": TENSORRT}
TF32_GATE = 1e-2  # it has 10 bits behind the point, like float16


def tasks(part: str, folder: Path, small: bool) -> list[Task]:
    """What the part does, in order."""
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise Absent(f"onnxruntime is not installed here ({error})") from error
    try:
        files = read_manifest(folder)
    except FileNotFoundError as error:
        raise Absent(str(error)) from error
    if not files:
        raise Absent(f"{folder} holds no files: --prepare was cut off there; run it again")
    provider = _provider(part, small)
    if provider != CPU:
        _load_libraries(ort)
    rows: list[Task] = [Task({"kind": "device"}, partial(_device, provider))]
    for file in files:
        # TensorRT multiplies float32 in TF32 by itself, CUDA's provider when it may.
        modes = [file.precision]
        if provider != CPU and file.precision == "float32":
            modes = ["float32", "tf32"] if provider == CUDA else ["tf32"]
        for mode in modes:
            about = {"kind": "file", "model": file.model, "precision": mode, "provider": provider}
            rows.append(Task(about, partial(_run, folder, file, mode, provider)))
    return rows


def _provider(part: str, small: bool) -> str:
    import onnxruntime as ort

    wanted, there = PROVIDERS[part], ort.get_available_providers()
    if wanted in there:
        return wanted
    if small and part == "onnxruntime":
        return CPU
    raise Absent(
        f"ONNX Runtime {ort.__version__} here has no {wanted}, only {', '.join(there)}; "
        "`pip install onnxruntime-gpu` has it"
    )


def _load_libraries(ort: Any) -> None:
    """Load CUDA, cuDNN and TensorRT from their Python packages, where they came by pip."""
    for package in ("tensorrt_libs", "tensorrt"):
        with suppress(ImportError, OSError):  # a system's own libraries do as well
            importlib.import_module(package)
    if hasattr(ort, "preload_dlls"):
        ort.preload_dlls()


def _device(provider: str) -> dict[str, Any]:
    import onnxruntime as ort

    card = None if provider == CPU else _card()
    return {
        "device": card or "cpu",
        "on_gpu": card is not None,
        "provider": provider,
        "versions": {"onnxruntime": ort.__version__},
    }


def _card() -> str | None:
    """The card's name and the driver's version, by the driver's own command; None without one."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0].strip()


def _options(provider: str, mode: str) -> list[Any]:
    if provider == CUDA:
        return [(CUDA, {"use_tf32": int(mode == "tf32")})]
    if provider == TENSORRT:
        return [(TENSORRT, {"trt_fp16_enable": mode == "float16"}), CUDA]
    return [CPU]


def _run(folder: Path, file: PreparedFile, mode: str, provider: str) -> dict[str, Any]:
    with np.load(folder / file.arrays) as arrays:
        x = arrays["input"]
        expected = [arrays[f"output_{i}"] for i in range(len(arrays.files) - 1)]
    session, left = _session(folder / file.file, _options(provider, mode))
    if session.get_providers()[0] != provider:
        raise RuntimeError(
            f"{provider} was not loaded; ONNX Runtime fell back to {session.get_providers()}"
        )
    run, outputs = _bound(session, x, "cpu" if provider == CPU else "cuda")
    error = _error(outputs(), expected)
    gate = TF32_GATE if mode == "tf32" else file.gate
    seconds, failed = seconds_a_call({"file": run}, lambda result: None)
    if failed:
        raise RuntimeError(failed["file"])
    return {
        "value_error": error,
        "gate": gate,
        "seconds": seconds["file"],
        "on_cpu": left,
        "batch": list(x.shape),
        "passed": error <= gate,
    }


def _session(path: Path, providers: list[Any]) -> tuple[Any, dict[str, int]]:
    """The session, and the operators that it leaves to the CPU, by type."""
    import onnxruntime as ort

    def options() -> Any:
        found = ort.SessionOptions()
        found.log_severity_level = 3
        return found

    if providers == [CPU]:
        return ort.InferenceSession(str(path), options(), providers=providers), {}
    strict = options()
    strict.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        return ort.InferenceSession(str(path), strict, providers=providers), {}
    except Exception as error:  # of ONNX Runtime's own kinds
        if "fallback" not in str(error):
            raise
    profiled = options()
    profiled.enable_profiling = True
    with TemporaryDirectory() as scratch:
        profiled.profile_file_prefix = str(Path(scratch) / "profile")
        session = ort.InferenceSession(str(path), profiled, providers=providers)
        feeds = {i.name: np.zeros(i.shape, "float32") for i in session.get_inputs()}
        session.run(None, feeds)
        left = operators_on_cpu(Path(session.end_profiling()).read_text())
    return ort.InferenceSession(str(path), options(), providers=providers), left


def operators_on_cpu(profile: str) -> dict[str, int]:
    """Operators by type that a profile of one run says ran on the CPU."""
    counts: Counter[str] = Counter()
    for event in json.loads(profile):
        about: Mapping[str, Any] = event.get("args", {})
        if event.get("name", "").endswith("_kernel_time") and about.get("provider") == CPU:
            counts[about["op_name"]] += 1
    return dict(counts)


def _bound(session: Any, x: np.ndarray, device: str) -> tuple[Any, Any]:
    """A call that runs on inputs and outputs that stay on the device, and one that fetches them."""
    import onnxruntime as ort

    binding = session.io_binding()
    binding.bind_ortvalue_input(
        session.get_inputs()[0].name, ort.OrtValue.ortvalue_from_numpy(x, device, 0)
    )
    for output in session.get_outputs():
        binding.bind_output(output.name, device, 0)

    def outputs() -> list[np.ndarray]:
        session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()

    return lambda: session.run_with_iobinding(binding), outputs


def _error(outputs: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """The largest error as a share of each output's range."""
    if len(outputs) != len(expected):
        raise ValueError(f"the file has {len(outputs)} outputs, the model {len(expected)}")
    worst = 0.0
    for y, wanted in zip(outputs, expected, strict=True):
        if y.shape != wanted.shape:
            raise ValueError(f"an output has the shape {y.shape}, expected {wanted.shape}")
        if not np.all(np.isfinite(y)):
            raise ValueError("an output has values that are not finite")
        worst = max(worst, float(np.abs(y.astype("float64") - wanted).max() / np.ptp(wanted)))
    return worst
