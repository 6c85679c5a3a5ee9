from ._from_ncnn import from_ncnn
from ._from_onnx import from_onnx

__all__ = ["from_ncnn", "from_onnx"]
