"""TFLite files as nets of ONNX operators."""
