"""Runs one file in its own runtime, by that runtime's own interface and nothing of this package.

python benchmarks/_plain_runner.py FILE [THREADS]

THREADS is for TFLite files; default one for each core. It reads commands, one JSON a line, and
answers likewise:

    {"case": "in.npy", "out": "out.npy"}   runs the array once, writes the first output
    {"time": 5}                            seconds of that many calls on the last array
"""

import json
import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()


def litert(path: str) -> Callable[[np.ndarray], Callable[[], np.ndarray]]:
    """Real numbers in and out; integers by the file's own scale and zero."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=THREADS)
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    last = taken["shape"].tolist()

    def prepare(x: np.ndarray) -> Callable[[], np.ndarray]:
        allowed = taken["shape_signature"]
        if any(want not in (-1, got) for want, got in zip(allowed, x.shape, strict=True)):
            raise Fixed(f"the file takes {allowed.tolist()} alone")
        if last != list(x.shape):
            interpreter.resize_tensor_input(taken["index"], x.shape)
            interpreter.allocate_tensors()
            last[:] = x.shape
        if np.issubdtype(taken["dtype"], np.integer):
            scale, zero = taken["quantization"]
            limits = np.iinfo(taken["dtype"])
            x = np.clip(np.rint(x / scale) + zero, limits.min, limits.max)
        x = x.astype(taken["dtype"])

        def call() -> np.ndarray:
            interpreter.set_tensor(taken["index"], x)
            interpreter.invoke()
            answer = interpreter.get_tensor(given["index"])
            if np.issubdtype(given["dtype"], np.integer):
                scale, zero = given["quantization"]
                answer = (answer.astype("float32") - zero) * scale
            return answer

        return call

    return prepare


def onnx_runtime(path: str) -> Callable[[np.ndarray], Callable[[], np.ndarray]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()

    def prepare(x: np.ndarray) -> Callable[[], np.ndarray]:
        pairs = zip(taken.shape, x.shape, strict=True)
        if any(isinstance(want, int) and want != got for want, got in pairs):
            raise Fixed(f"the file takes {taken.shape} alone")
        return lambda: session.run(None, {taken.name: x})[0]

    return prepare


def openvino(path: str) -> Callable[[np.ndarray], Callable[[], np.ndarray]]:
    """In float32, which OpenVINO does not take by itself on processors with bfloat16."""
    import openvino as ov

    chosen = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": THREADS}
    network = ov.Core().compile_model(path, "CPU", chosen)
    request = network.create_infer_request()
    ((taken,), shape) = network.inputs, network.inputs[0].partial_shape

    def prepare(x: np.ndarray) -> Callable[[], np.ndarray]:
        if not shape.compatible(ov.PartialShape(list(x.shape))):
            raise Fixed(f"the file takes {shape} alone")
        return lambda: request.infer({taken: x})[network.outputs[0]]

    return prepare


def saved_model(path: str) -> Callable[[np.ndarray], Callable[[], np.ndarray]]:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    function = loaded.signatures["serving_default"]
    ((name, spec),) = function.structured_input_signature[1].items()

    def prepare(x: np.ndarray) -> Callable[[], np.ndarray]:
        if not spec.shape.is_compatible_with(x.shape):
            raise Fixed(f"the file takes {spec.shape} alone")
        given = tf.constant(x)

        def call(keep: Any = loaded) -> np.ndarray:
            (answer,) = function(**{name: given}).values()
            return answer.numpy()

        return call

    return prepare


class Fixed(Exception):
    """The file says that it does not take this shape."""


def main() -> None:
    path = sys.argv[1]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what runtimes print is no answer

    def answer(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    loaders = {".tflite": litert, ".onnx": onnx_runtime, ".xml": openvino}
    load = loaders.get(os.path.splitext(path)[1], saved_model)
    try:
        prepare = load(path)
        answer(loaded=True)
    except Exception as error:
        answer(failed=first_line(error))
        return
    call: Any = None
    for line in sys.stdin:
        order = json.loads(line)
        if "time" in order:
            start = perf_counter()
            for _ in range(order["time"]):
                call()
            answer(seconds=(perf_counter() - start) / order["time"])
            continue
        try:
            call = prepare(np.load(order["case"]))
            np.save(order["out"], call())
            answer(ran=True)
        except Fixed as error:
            answer(fixed=str(error))
        except Exception as error:
            answer(failed=first_line(error))


def first_line(error: Exception) -> str:
    """Why, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:200]


if __name__ == "__main__":
    main()
