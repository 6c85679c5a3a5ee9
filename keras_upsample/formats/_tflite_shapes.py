"""Default sizes of a resizable TFLite file.

The converter writes 1 for each open size, and -1 into `shape_signature`, which says that it is
open. A program that does not resize would run the network on one pixel.
"""

from collections.abc import Mapping

from .._others import _litert
from ..program._input_shape import Shape


def with_usual_sizes(content: bytes, shapes: Mapping[str, Shape]) -> bytes:
    """The file with these shapes of its inputs, and of its outputs what follows from them.

    Args:
        content: of a file with one signature.
        shapes: input name -> shape, batch first; none is open.
    """
    schema = _litert.schema()
    changed = bytearray(content)
    model = schema.Model.GetRootAs(changed, 0)
    graph, signature = model.Subgraphs(0), model.SignatureDefs(0)
    inputs = {
        signature.Inputs(i).TensorIndex(): shapes[name]
        for i in range(signature.InputsLength())
        if (name := (signature.Inputs(i).Name() or b"").decode()) in shapes
    }
    for index, shape in {**_outputs_of(content, inputs), **inputs}.items():
        stored = graph.Tensors(index).ShapeAsNumpy()  # a view of the content; 0 for a scalar
        if getattr(stored, "shape", ()) == (len(shape),):
            stored[:] = shape
    return bytes(changed)


def _outputs_of(content: bytes, inputs: Mapping[int, Shape]) -> dict[int, Shape]:
    """Tensor -> the shape that it has when the file ran at these sizes."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=plain)
    for index, shape in inputs.items():
        interpreter.resize_tensor_input(index, list(shape))
    interpreter.allocate_tensors()
    interpreter.invoke()
    return {
        detail["index"]: interpreter.get_tensor(detail["index"]).shape
        for detail in interpreter.get_output_details()
    }
