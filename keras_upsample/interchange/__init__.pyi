from ._from_file import from_file
from ._from_ncnn import from_ncnn
from ._from_onnx import from_onnx
from ._from_smp import from_smp
from ._from_tfjs import from_tfjs
from ._from_tflite import from_tflite
from ._from_torch import from_torch

__all__ = [
    "from_file",
    "from_ncnn",
    "from_onnx",
    "from_smp",
    "from_tfjs",
    "from_tflite",
    "from_torch",
]
