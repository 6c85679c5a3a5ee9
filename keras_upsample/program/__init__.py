"""A Keras model as a program: a graph of operations, read once and written once.

`_program` is what travels. `_read` and `_write` turn models into graphs and back; `_keras_table`
says for each of the `_operations` which layers it is read from (`_keras_reader`) and which is
written (`_keras_writer`, by `_emit`). `_private` and `_inference` give models whose layers may be
changed.
"""
