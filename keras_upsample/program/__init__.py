"""A Keras model as a graph of operations: read, written, signed and run.

`_flatten` and `_views` read Keras' layers, `_assemble` and `_emit` write them, `_private` and
`_inference` give models whose layers may be changed. Lowering and quantization stand on it.
"""
