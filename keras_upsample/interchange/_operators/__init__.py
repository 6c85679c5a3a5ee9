"""ONNX operators -> operations and layers: one function a kind, collected in `_all`."""
