"""Model introspection: the value ranges of inputs and the kinds of outputs, read from a graph.

A network that begins with `Rescaling(1 / 255)` is made for [0, 255], one that ends with a softmax
gives probabilities. Only what the graph says for sure is told. The readers (`_keras`,
`_tensorflow`, `_onnx`, `_tflite`) hand their graphs over as nodes, each with its role, and run a
part of them; `_subgraph`, `_affine` and `_natural_range` judge that part.
"""
