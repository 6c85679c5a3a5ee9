"""Converters: a program becomes a SavedModel, TFLite, ONNX or OpenVINO file.

`_convert` chooses the writer; `_target_model` gives the model the operators that the format has.
"""
