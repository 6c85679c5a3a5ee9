"""Private names and switches of TensorFlow, read in TensorFlow 2.21.0.

TFLite's converter and interpreter, which leave TensorFlow, are in `_tf_lite`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SUM = "_sum"
"""Name of the function of `gen_math_ops` that builds the operator Sum.

TensorFlow 2.21.0, `tensorflow.python.ops.gen_math_ops._sum`.
"""


def gen_array_ops() -> Any:
    """The module whose functions build the operators on arrays: patches, pads.

    TensorFlow 2.21.0, `tensorflow.python.ops.gen_array_ops`.
    """
    from tensorflow.python.ops import gen_array_ops

    return gen_array_ops


def gen_image_ops() -> Any:
    """The module whose functions build the operators on images: resizes.

    TensorFlow 2.21.0, `tensorflow.python.ops.gen_image_ops`.
    """
    from tensorflow.python.ops import gen_image_ops

    return gen_image_ops


def gen_math_ops() -> Any:
    """The module whose functions build the arithmetic operators: sums, products, erf.

    TensorFlow 2.21.0, `tensorflow.python.ops.gen_math_ops`.
    """
    from tensorflow.python.ops import gen_math_ops

    return gen_math_ops


def gen_nn_ops() -> Any:
    """The module whose functions build the operators of networks: convolutions, pools, biases.

    TensorFlow 2.21.0, `tensorflow.python.ops.gen_nn_ops`.
    """
    from tensorflow.python.ops import gen_nn_ops

    return gen_nn_ops


def math_ops() -> Any:
    """The module in which `erf` and `erfc` stand once more, for the rest of TensorFlow.

    TensorFlow 2.21.0, `tensorflow.python.ops.math_ops`.
    """
    from tensorflow.python.ops import math_ops

    return math_ops


def nn_ops() -> Any:
    """The module of `gelu`, and of `convolution_internal`, by which `tf.nn.convolution` works.

    TensorFlow 2.21.0, `tensorflow.python.ops.nn_ops`.
    """
    from tensorflow.python.ops import nn_ops

    return nn_ops


def freeze(function: Any) -> Any:
    """A concrete function with constants for its variables; loops and branches stay.

    Inputs keep their names, and outputs their order.

    TensorFlow 2.21.0, `tensorflow.python.framework.convert_to_constants`.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(function, lower_control_flow=False)


def is_stateful(operator: str) -> bool:
    """What TensorFlow says of an operator; False for one that it does not know.

    TensorFlow 2.21.0, `tensorflow.python.framework.op_def_registry.get`.
    """
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(operator)
    return definition is not None and definition.is_stateful


def graph_is_for_xla() -> bool:
    """Whether the graph that is being traced is one for XLA (jit_compile=True).

    TensorFlow 2.21.0, `tensorflow.python.ops.control_flow_util.GraphOrParentsInXlaContext`.
    """
    from tensorflow.python.framework import ops
    from tensorflow.python.ops import control_flow_util

    return bool(control_flow_util.GraphOrParentsInXlaContext(ops.get_default_graph()))


@contextmanager
def inline_functions() -> Iterator[None]:
    """Inside, a `tf.function` that is called while a graph is traced becomes part of that graph.

    It may have been traced at an unknown size before. The switch is one for all threads.

    TensorFlow 2.21.0, `tf.config.run_functions_eagerly`.
    """
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def graph_of_function(graph: Any, name: str) -> Any:
    """The graph of a function that an operator of a graph calls.

    TensorFlow 2.21.0, `tensorflow.python.framework.ops.Graph._get_function`.
    """
    return graph._get_function(name).graph


def empty_saved_model() -> Any:
    """The message that the file `saved_model.pb` holds, still empty.

    TensorFlow 2.21.0, `tensorflow.core.protobuf.saved_model_pb2.SavedModel`.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    return saved_model_pb2.SavedModel()


def data_type_name(number: int) -> str:
    """The name of a type by its number in a graph: 1 -> "DT_FLOAT".

    TensorFlow 2.21.0, `tensorflow.core.framework.types_pb2.DataType`.
    """
    from tensorflow.core.framework import types_pb2

    return str(types_pb2.DataType.Name(number))


def traced_for_saving(function: Any) -> Any:
    """The concrete function that `tf.saved_model.save` will find for a `tf.function`.

    TensorFlow 2.21.0, `tensorflow.python.saved_model.save_context`: a trace that was made outside
    of it is made again while the SavedModel is written.
    """
    import tensorflow as tf
    from tensorflow.python.saved_model import save_context

    with save_context.save_context(tf.saved_model.SaveOptions()):
        return function.get_concrete_function()
