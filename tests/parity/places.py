"""Where an artefact can run: runtime x device, as found on this machine."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from keras_upsample.runtimes import load
from keras_upsample.runtimes._load import absence

Run = Callable[[Path, np.ndarray], np.ndarray]


def _first(outputs: dict[str, np.ndarray]) -> np.ndarray:
    return next(iter(outputs.values()))


def _by_runner(path: Path, x: np.ndarray, runtime: str | None = None) -> np.ndarray:
    runner = load(path, runtime=runtime)
    return _first(runner({runner.inputs[0].name: x}))


def _onnx_cuda(path: Path, x: np.ndarray) -> np.ndarray:
    import onnxruntime as ort

    # TF32 would round the products to 10 bits, far above the gate.
    session = ort.InferenceSession(
        str(path), providers=[("CUDAExecutionProvider", {"use_tf32": "0"})]
    )
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def _tensorflow_gpu(path: Path, x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(False)
    with tf.device("/GPU:0"):
        return _by_runner(path, x)


def _by(form: str, runtime: str) -> tuple[str, Run, Callable[[], str]]:
    return form, partial(_by_runner, runtime=runtime), partial(absence, runtime)


def _has_cuda_provider() -> str:
    import onnxruntime as ort

    here = "CUDAExecutionProvider" in ort.get_available_providers()
    return "" if here else "ONNX Runtime has no CUDA provider here"


def _has_tensorflow_gpu() -> str:
    import tensorflow as tf

    return "" if tf.config.list_physical_devices("GPU") else "TensorFlow sees no GPU here"


def _always() -> str:
    return ""


# name -> (format or target, run, why it is absent or "")
PLACES: dict[str, tuple[str, Run, Callable[[], str]]] = {
    "TensorFlow-CPU": ("saved_model", _by_runner, _always),
    "TensorFlow-GPU": ("saved_model", _tensorflow_gpu, _has_tensorflow_gpu),
    "LiteRT-CPU-XNNPACK": ("tflite", _by_runner, _always),
    "LiteRT-CPU-reference": _by("tflite", "litert_builtin"),
    "LiteRT-GPU": _by("litert_gpu", "litert_gpu"),
    "TFLM": _by("tflite", "tflm"),
    "ONNX-Runtime-CPU": ("onnx", _by_runner, _always),
    "ONNX-Runtime-CUDA": ("onnx", _onnx_cuda, _has_cuda_provider),
    "ONNX-Runtime-WebGPU": _by("onnx", "onnxruntime_webgpu"),
    "OpenVINO-CPU": _by("onnx", "openvino"),
    "OpenVINO-IR": _by("openvino", "openvino"),
}

GPU = frozenset({"LiteRT-GPU", "ONNX-Runtime-WebGPU"})
"""Engines that run on a software driver where there is no GPU: seconds a file."""
