"""Recognise an artefact and load it."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .._text import printable
from ..errors import ArtefactError

if TYPE_CHECKING:
    from ._runner import Runner

# Runtime name -> the package to install, where it is not called like the module.
_PACKAGES = {
    "litert": "ai-edge-litert",
    "litert_builtin": "ai-edge-litert",
    "litert_gpu": "ai-edge-litert",
    "litert_gpu_float16": "ai-edge-litert",
    "onnxruntime_webgpu": "keras-upsample[webgpu]",
    "tflm": "tflite-micro",
}

# Runtime name -> the module that must be installed for it.
_MODULES = {
    "tensorflow": "tensorflow",
    "litert": "ai_edge_litert",
    "litert_builtin": "ai_edge_litert",
    "litert_flex": "tensorflow",
    "litert_gpu": "ai_edge_litert",
    "litert_gpu_float16": "ai_edge_litert",
    "tflm": "tflite_micro",
    "onnxruntime": "onnxruntime",
    "onnxruntime_webgpu": "onnxruntime_ep_webgpu",
    "openvino": "openvino",
    "openvino_default": "openvino",
}

# Suffix of a file -> the runtime that it is for.
_SUFFIXES = {".tflite": "litert", ".onnx": "onnxruntime", ".xml": "openvino"}


# Runtimes of GPUs, which run in other processes -> the one that reads the file in this process.
_GPU = {
    "litert_gpu": "litert_builtin",
    "litert_gpu_float16": "litert_builtin",
    "onnxruntime_webgpu": "onnxruntime",
}


def available() -> dict[str, bool]:
    """Runtime -> whether it is installed: `{"tensorflow": True, "openvino": False, ...}`.

    Those of GPUs also need a driver, see `load`.
    """
    return {name: not absence(name) for name in _MODULES}


def absence(runtime: str) -> str:
    """Why a runtime can't be used here, with the remedy; or empty."""
    if find_spec(_MODULES[runtime]) is None:
        hint = _PACKAGES.get(runtime, _MODULES[runtime])
        return f"{runtime} is not installed. Run: pip install '{hint}'"
    if runtime in _GPU:
        from ._gpu import driver_is_absent

        if reason := driver_is_absent():
            return f"{runtime} can't run: {reason}"
    return ""


def load(
    path: str | Path,
    *,
    runtime: str | None = None,
    threads: int | None = None,
    trust: bool = False,
    layout: str | None = None,
) -> "Runner":
    """Load an artefact in the runtime that it is for.

    A file that is new to this machine is first loaded and run once in a child process, because a
    damaged file can crash the process that loads it.

    Args:
        path: a SavedModel directory, a `.tflite`, `.onnx` or `.xml` (OpenVINO) file.
        runtime: `"tensorflow"`, `"litert"`, `"litert_builtin"` (without XNNPACK), `"litert_flex"`,
            `"litert_gpu"` (every operator on the GPU, in float32), `"litert_gpu_float16"` (the same
            in half precision where the device has it), `"tflm"`, `"onnxruntime"`,
            `"onnxruntime_webgpu"` (GPU), `"openvino"` (float32) or `"openvino_default"` (in the
            precision that OpenVINO chooses where none is asked for, which is bfloat16 on processors
            that have it). Default: the runtime for this kind of file. On Linux those of GPUs use
            Vulkan: the system's driver, the one that the variable VK_ICD_FILENAMES names, or
            without a GPU the software driver in Chromium's folder.
        threads: number of processor threads; TensorFlow, TFLM and GPUs ignore it.
        trust: whether you know where the file comes from. If True, the file is loaded in this
            process at once, and its graph is not checked for operators that read or write files or
            call Python.
        layout: layout of the file's rank-4 tensors, `"nhwc"` or `"nchw"`. Default: the layout in
            the file's metadata, else the one that its shapes suggest.

    Raises:
        ArtefactError: the path is missing, of another kind, or truncated; the runtime refuses the
            file or crashes; or the graph holds operators that need `trust`.
        ValueError: the runtime or the layout is unknown, or `threads` is below 1.
        ModuleNotFoundError: the runtime, or the GPU's driver, is not installed.
    """
    path = Path(path)
    runtime = runtime or default_runtime(path)
    if runtime not in _MODULES:
        raise ValueError(
            f"`runtime` must be one of {', '.join(map(repr, _MODULES))}. Received: {runtime!r}."
        )
    if threads is not None and (
        isinstance(threads, bool) or not isinstance(threads, int) or threads < 1
    ):
        raise ValueError(f"`threads` must be an integer >= 1 or None. Received: {threads!r}.")
    if layout not in (None, "nhwc", "nchw"):
        raise ValueError(f"`layout` must be 'nhwc', 'nchw' or None. Received: {layout!r}.")
    if not path.exists():
        raise ArtefactError(f"`{printable(path)}` does not exist.")
    if path.is_dir() != (runtime == "tensorflow"):
        what = "a directory" if path.is_dir() else "a file"
        wanted = "a SavedModel directory" if runtime == "tensorflow" else "a file"
        raise ArtefactError(f"`{printable(path)}` is {what}; {runtime} needs {wanted}.")
    if reason := absence(runtime):
        raise ModuleNotFoundError(reason)
    if not trust:
        from ._first_load import admit

        if runtime == "tensorflow":
            _check_saved_model(path)
        admit(path, _GPU.get(runtime, runtime))
    runner = _runner(path, runtime, threads)
    if layout is not None:
        runner.layout, runner.layout_known = layout, True
    return runner


def _runner(path: Path, runtime: str, threads: int | None) -> "Runner":
    if runtime == "tensorflow":
        from ._tensorflow import SavedModelRunner

        return SavedModelRunner(path)
    if runtime == "onnxruntime":
        from ._onnx import OnnxRunner

        return OnnxRunner(path, threads=threads)
    if runtime in ("openvino", "openvino_default"):
        from ._openvino import OpenVinoRunner

        precision = "f32" if runtime == "openvino" else None
        return OpenVinoRunner(path, threads=threads, precision=precision)
    if runtime == "tflm":
        from ._tflm import TflmRunner

        return TflmRunner(path)
    if runtime == "onnxruntime_webgpu":
        from ._onnx_webgpu import OnnxWebGpuRunner

        return OnnxWebGpuRunner(path)
    if runtime in _GPU:
        from ._litert_gpu import LiteRTGpuRunner

        precision = "float16" if runtime.endswith("float16") else "float32"
        return LiteRTGpuRunner(path, precision=precision)
    from ._litert import LiteRTRunner

    flex, delegate = runtime == "litert_flex", runtime != "litert_builtin"
    return LiteRTRunner(path, threads=threads, flex=flex, delegate=delegate)


def _check_saved_model(path: Path) -> None:
    from ._runner import load_errors
    from ._saved_model_graph import check_saved_model

    with load_errors(path, "TensorFlow"):
        check_saved_model(path)


def is_artefact(path: Path) -> bool:
    """Whether a path is that of an exported file or folder, by its name."""
    return path.suffix in _SUFFIXES or (path / "saved_model.pb").is_file()


def default_runtime(path: Path) -> str:
    """The default runtime for a file of this kind.

    Raises:
        ArtefactError: the path is missing or none of the four kinds.
    """
    allowed = "Allowed: a SavedModel directory, a .tflite, .onnx or .xml (OpenVINO) file."
    if not path.exists():
        raise ArtefactError(f"`{printable(path)}` is missing. {allowed}")
    if path.suffix in _SUFFIXES:
        return _SUFFIXES[path.suffix]
    if path.is_dir() and (path / "saved_model.pb").is_file():
        return "tensorflow"
    what = "a directory without saved_model.pb" if path.is_dir() else "of another kind"
    raise ArtefactError(f"`{printable(path)}` is {what}. {allowed}")
