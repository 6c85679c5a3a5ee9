"""The reader of ncnn's files: text and weights, extents, layers, the model."""
