"""A Keras model -> SavedModel, TFLite or ONNX file, not verified.

`_convert` chooses the writer; `_form` gives the model the operators that the format has.
"""
