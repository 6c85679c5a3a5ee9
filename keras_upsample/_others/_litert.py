"""Private names of LiteRT, read in ai-edge-litert 2.3.0."""

from functools import cache
from typing import Any


def schema() -> Any:
    """The classes that FlatBuffers generated from the schema of TFLite files.

    ai-edge-litert 2.3.0, `ai_edge_litert.schema_py_generated`.
    """
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


@cache
def builtin_operators() -> dict[int, str]:
    """Number of an operator in a file -> its name, `CONV_2D`; TensorFlow's schema has the same.

    ai-edge-litert 2.3.0, `ai_edge_litert.schema_py_generated.BuiltinOperator`.
    """
    builtin = vars(schema().BuiltinOperator)
    return {number: name for name, number in builtin.items() if isinstance(number, int)}


def table_of(item: Any) -> Any:
    """The FlatBuffers table behind an object of the schema: `Bytes`, `Pos`, `Offset`, `Vector`.

    ai-edge-litert 2.3.0, `_tab` of the classes of `schema`; TensorFlow's are generated alike.
    """
    return item._tab


def operator_names(interpreter: Any) -> list[str]:
    """The operators that an interpreter runs, in its order; "DELEGATE" is what a delegate took.

    ai-edge-litert 2.3.0, `ai_edge_litert.interpreter.Interpreter._get_ops_details`; TensorFlow's
    interpreter has the same.
    """
    return [operator["op_name"] for operator in interpreter._get_ops_details()]


def gpu_model(content: bytes, *, float32: bool) -> Any:
    """A file compiled with every operator on the GPU; it raises where the accelerator lacks one.

    ai-edge-litert 2.3.0, `ai_edge_litert.compiled_model.CompiledModel.from_buffer` with the classes
    `Options`, `GpuOptions` and `HardwareAccelerator` of the modules `options`, `gpu_options` and
    `hardware_accelerator`.

    Args:
        float32: whether it computes in float32; else in the accelerator's own precision.
    """
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.gpu_options import GpuOptions
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator
    from ai_edge_litert.options import Options

    options = Options(
        hardware_accelerators=HardwareAccelerator.GPU,
        gpu_options=GpuOptions(enforce_f32=float32),
    )
    return CompiledModel.from_buffer(content, options=options)
