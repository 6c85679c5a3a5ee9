"""`python -m keras_upsample.runtimes._onnx_webgpu_process FILE INPUTS OUTPUTS`.

Runs a file once on ONNX Runtime's WebGPU provider. It prints the nodes that ran on the processor.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from ..files._scratch import scratch

MARK = "on the processor:"


def main() -> None:
    """Inputs and outputs by name."""
    import onnxruntime as ort
    import onnxruntime_ep_webgpu as webgpu

    path, inputs, outputs = sys.argv[1:]
    ort.register_execution_provider_library("webgpu", webgpu.get_library_path())
    names = webgpu.get_ep_names()
    devices = [device for device in ort.get_ep_devices() if device.ep_name in names]
    if not devices:
        raise RuntimeError("ONNX Runtime lists no WebGPU device")
    with scratch() as folder, np.load(inputs) as given:
        options = ort.SessionOptions()
        options.add_provider_for_devices([devices[0]], {})
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
        session = ort.InferenceSession(path, options)
        order = [info.name for info in session.get_outputs()]
        results = session.run(order, {name: given[name] for name in given.files})
        events = json.loads(Path(session.end_profiling()).read_text())
    left = Counter(
        event["args"]["op_name"]
        for event in events
        if event.get("args", {}).get("provider") == "CPUExecutionProvider"
    )
    print(f"\n{MARK}{json.dumps(dict(left))}")
    np.savez(outputs, **dict(zip(order, results, strict=True)))


if __name__ == "__main__":
    main()
