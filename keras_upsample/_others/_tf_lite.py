"""All that is used of `tf.lite`, whose removal is announced; read in TensorFlow 2.21.0.

The converter is the only one that writes TFLite files from TensorFlow graphs; interpreter and
schema are also those of `ai_edge_litert`, where nothing of the converter's own hangs on them.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def converter(folder: Path) -> Any:
    """A converter of a SavedModel of one signature, which is configured by its attributes.

    TensorFlow 2.21.0, `tensorflow.lite.python.lite.TFLiteSavedModelConverterV2`, as
    `tf.lite.TFLiteConverter.from_saved_model` makes it, which first loads the whole SavedModel for
    the names of its signatures.
    """
    from tensorflow.lite.python.lite import TFLiteSavedModelConverterV2

    return TFLiteSavedModelConverterV2(str(folder), {"serve"}, ["serving_default"])


def converted(converter: Any) -> bytes:
    """The file of a converter.

    TensorFlow 2.21.0, `TFLiteSavedModelConverterV2.convert`, which loads the SavedModel two more
    times, for lines of Python in its messages and for counts of conversions, and adds a record of
    these to the file. `_convert_from_saved_model` takes the graph alone, by which it knows whether
    training rounded the weights. A small block is converted in a fifth of the time.
    """
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    content = (Path(converter.saved_model_dir) / "saved_model.pb").read_bytes()
    graph = SavedModel.FromString(content).meta_graphs[0].graph_def
    return bytes(converter._convert_from_saved_model(graph))


def default_optimization() -> Any:
    """What a converter's `optimizations` hold so that it quantises.

    TensorFlow 2.21.0, `tf.lite.Optimize.DEFAULT`.
    """
    import tensorflow as tf

    return tf.lite.Optimize.DEFAULT


def operator_set(name: str) -> Any:
    """A set of operators that a converter may use: "TFLITE_BUILTINS", "SELECT_TF_OPS".

    TensorFlow 2.21.0, `tf.lite.OpsSet`.
    """
    import tensorflow as tf

    return getattr(tf.lite.OpsSet, name)


def prepare_before_quantising(converter: Any, prepared: Callable[[bytes], bytes]) -> None:
    """Let a converter change its file of floats before it learns ranges from it and quantises.

    TensorFlow 2.21.0, `tensorflow.lite.python.lite.TFLiteConverterBase._optimize_tflite_model`,
    which gets the file and gives the one that `convert` returns.
    """
    optimize = converter._optimize_tflite_model

    def changed(content: bytes, *args: Any, **options: Any) -> bytes:
        return optimize(prepared(content), *args, **options)

    converter._optimize_tflite_model = changed


def calibrator_class() -> Any:
    """The class whose `calibrate(dataset)` gives the 8-bit quantiser a file with ranges in it.

    TensorFlow 2.21.0, `tensorflow.lite.python.optimize.calibrator.Calibrator`.
    """
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    return Calibrator


def schema() -> Any:
    """The classes of the schema of TFLite files, as the converter's own files are written.

    TensorFlow 2.21.0, `tensorflow.lite.python.schema_py_generated`.
    """
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated


def unpack(content: bytes) -> Any:
    """A TFLite file as objects that can be changed; `pack` turns them into a file.

    TensorFlow 2.21.0, `tensorflow.lite.tools.flatbuffer_utils.convert_bytearray_to_object`.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    return flatbuffer_utils.convert_bytearray_to_object(content)


def pack(model: Any) -> bytes:
    """The TFLite file of what `unpack` gave.

    TensorFlow 2.21.0, `tensorflow.lite.tools.flatbuffer_utils.convert_object_to_bytearray`.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def interpreter_module() -> Any:
    """The module of `Interpreter` and `OpResolverType`, which may have Select-TF operators.

    TensorFlow 2.21.0, `tensorflow.lite.python.interpreter`.
    """
    from tensorflow.lite.python import interpreter

    return interpreter


def interpreter_that_keeps(content: bytes) -> Any:
    """TensorFlow's interpreter of a file, in which every tensor has memory of its own.

    TensorFlow 2.21.0, `tf.lite.Interpreter(experimental_preserve_all_tensors=True)`.
    """
    import tensorflow as tf

    # A delegate would keep to itself what it computes on the way.
    plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tf.lite.Interpreter(
        model_content=content,
        num_threads=os.cpu_count(),
        experimental_op_resolver_type=plain,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    return interpreter


@contextmanager
def quiet_interpreter() -> Iterator[None]:
    """Inside, TensorFlow's interpreter, by which its converter calibrates, keeps its warning.

    It says that it will be removed.

    TensorFlow 2.21.0, the text of `tensorflow.lite.python.interpreter`.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(?s).*tf\.lite\.Interpreter is deprecated")
        yield


def debugger(converter: Any, dataset: Callable[[], Iterator[Any]], **options: Any) -> Any:
    """The debugger of a converter's quantisation.

    TensorFlow 2.21.0, `tf.lite.experimental.QuantizationDebugger`.

    Args:
        converter: set to quantise.
        dataset: gives what to run: a list of arrays, in the order of the interpreter's inputs.
        options: of `tf.lite.experimental.QuantizationDebugOptions`.
    """
    import tensorflow as tf

    return tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=dataset,
        debug_options=tf.lite.experimental.QuantizationDebugOptions(**options),
    )


def interpreter_of_debugger(debugger: Any) -> Any:
    """The interpreter by which a debugger runs its file.

    TensorFlow 2.21.0, `QuantizationDebugger._quant_interpreter`.
    """
    return debugger._quant_interpreter


def set_interpreter_of_debugger(debugger: Any, interpreter: Any) -> None:
    """Let a debugger run its file by another interpreter.

    TensorFlow 2.21.0, `QuantizationDebugger._quant_interpreter`.
    """
    debugger._quant_interpreter = interpreter


def compared_results(debugger: Any) -> Iterator[tuple[str, str]]:
    """Keys of a debugger's `layer_statistics`, each with the name of the result that it is about.

    It is the name in the file of floats.

    TensorFlow 2.21.0, operators NumericVerify, which read a rounded result and that of floats:
    `QuantizationDebugger._get_numeric_verify_tensor_details` and `_defining_op`, and
    `Interpreter._get_op_details` and `_get_tensor_details`.
    """
    interpreter = debugger._quant_interpreter
    for detail in debugger._get_numeric_verify_tensor_details():
        operator = interpreter._get_op_details(debugger._defining_op[detail["index"]])
        yield detail["name"], interpreter._get_tensor_details(operator["inputs"][1], 0)["name"]
