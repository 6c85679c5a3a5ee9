from ._from_onnx import from_onnx

__all__ = ["from_onnx"]
