"""A Keras model -> SavedModel, TFLite or ONNX file, not verified.

`_convert` chooses the writer; `_target_model` gives the model the operators that the format has.
"""
