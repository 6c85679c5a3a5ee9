"""`python -m keras_upsample.runtimes._litert_gpu_process FILE INPUTS OUTPUTS PRECISION`.

Runs a file once with every operator on the GPU; where the accelerator does not take one, LiteRT
raises. (If the processor may help, `is_fully_accelerated()` is no evidence: LiteRT 2.3 answers True
where two thirds of the operators run on the processor.)
"""

import sys
from pathlib import Path

import numpy as np

from .._others._litert import gpu_model


def main() -> None:
    """Inputs and outputs by the names in the signature, or by place where there is none."""
    path, inputs, outputs, precision = sys.argv[1:]
    model = gpu_model(Path(path).read_bytes(), float32=precision == "float32")
    signatures = list(model.get_signature_list())
    key = "serving_default" if "serving_default" in signatures else signatures[0]
    index = model.get_signature_index(key)
    names = model.get_signature_by_index(index)
    buffers_in = model.create_input_buffers(index)
    buffers_out = model.create_output_buffers(index)
    with np.load(inputs) as given:
        for name, buffer in zip(names["inputs"], buffers_in, strict=True):
            buffer.write(np.ascontiguousarray(given[name]))
    model.run_by_index(index, buffers_in, buffers_out)
    details = model.get_output_tensor_details(key)
    results = {}
    for name, buffer in zip(names["outputs"], buffers_out, strict=True):
        shape, dtype = details[name]["shape"], np.dtype(details[name]["dtype"])
        results[name] = buffer.read(int(np.prod(shape)), dtype).reshape(shape)
    np.savez(outputs, **results)


if __name__ == "__main__":
    main()
