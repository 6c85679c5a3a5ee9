"""Recognise an artefact and load it."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArtefactError

if TYPE_CHECKING:
    from ._runner import Runner

# Runtime name -> the package to install, where it is not called like the module.
_PACKAGES = {
    "litert": "ai-edge-litert",
    "litert_builtin": "ai-edge-litert",
    "tflm": "tflite-micro",
}

# Runtime name -> the module that must be installed for it.
_MODULES = {
    "tensorflow": "tensorflow",
    "litert": "ai_edge_litert",
    "litert_builtin": "ai_edge_litert",
    "litert_flex": "tensorflow",
    "tflm": "tflite_micro",
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
}


def available() -> dict[str, bool]:
    """Runtime -> whether it is installed: `{"tensorflow": True, "openvino": False, ...}`."""
    return {name: find_spec(module) is not None for name, module in _MODULES.items()}


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
        path: a SavedModel directory, a `.tflite` or an `.onnx` file.
        runtime: `"tensorflow"`, `"litert"`, `"litert_builtin"` (without XNNPACK), `"litert_flex"`,
            `"tflm"`, `"onnxruntime"` or `"openvino"`. Default: the runtime for this kind of file.
        threads: number of processor threads; TensorFlow and TFLM ignore it.
        trust: whether you know where the file comes from. If True, the file is loaded in this
            process at once, and its graph is not checked for operators that read or write files or
            call Python.
        layout: layout of the file's rank-4 tensors, `"nhwc"` or `"nchw"`. Default: the layout in
            the file's metadata, else the one that its shapes suggest.

    Raises:
        ArtefactError: the path is missing, of another kind, or truncated; the runtime refuses the
            file or crashes; or the graph holds operators that need `trust`.
        ValueError: the runtime or the layout is unknown, or `threads` is below 1.
        ModuleNotFoundError: the runtime is not installed.
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
        raise ArtefactError(f"`{path}` does not exist.")
    if path.is_dir() != (runtime == "tensorflow"):
        what = "a directory" if path.is_dir() else "a file"
        wanted = "a SavedModel directory" if runtime == "tensorflow" else "a file"
        raise ArtefactError(f"`{path}` is {what}; {runtime} needs {wanted}.")
    if not available()[runtime]:
        hint = _PACKAGES.get(runtime, _MODULES[runtime])
        raise ModuleNotFoundError(f"{runtime} is not installed. Run: pip install '{hint}'")
    if not trust:
        from ._first_load import admit

        if runtime == "tensorflow":
            _check_saved_model(path)
        admit(path, runtime)
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
    if runtime == "openvino":
        from ._openvino import OpenVinoRunner

        return OpenVinoRunner(path, threads=threads)
    if runtime == "tflm":
        from ._tflm import TflmRunner

        return TflmRunner(path)
    from ._litert import LiteRTRunner

    flex, delegate = runtime == "litert_flex", runtime != "litert_builtin"
    return LiteRTRunner(path, threads=threads, flex=flex, delegate=delegate)


def _check_saved_model(path: Path) -> None:
    from ._runner import load_errors
    from ._saved_model_graph import check_saved_model

    with load_errors(path, "TensorFlow"):
        check_saved_model(path)


def default_runtime(path: Path) -> str:
    """The default runtime for a file of this kind.

    Raises:
        ArtefactError: the path is missing or none of the three kinds.
    """
    allowed = "Allowed: a SavedModel directory, a .tflite file or an .onnx file."
    if not path.exists():
        raise ArtefactError(f"`{path}` is missing. {allowed}")
    if path.suffix == ".tflite":
        return "litert"
    if path.suffix == ".onnx":
        return "onnxruntime"
    if path.is_dir() and (path / "saved_model.pb").is_file():
        return "tensorflow"
    what = "a directory without saved_model.pb" if path.is_dir() else "of another kind"
    raise ArtefactError(f"`{path}` is {what}. {allowed}")
