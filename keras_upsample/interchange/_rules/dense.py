"""A dense layer with a bias: MatMul with a matrix of the file, and Add of one number a column."""

from dataclasses import replace

from .._net import OnnxNode
from .._operators.convolutions import DENSE
from ._here import Here

NAME = "dense layer"


def match(here: Here) -> OnnxNode | None:
    """Add, of a bias, in either order, behind a MatMul."""
    last = here.this
    if last.kind != "Add":
        return None
    for place in (0, 1):
        product = here.maker(last.inputs[place], "MatMul")
        bias = here.constant(last, 1 - place)
        matrix = None if product is None else here.constant(product, 1)
        if product is None or matrix is None or bias is None or matrix.ndim != 2:
            continue
        if bias.shape == (matrix.shape[1],):
            inputs = (*product.inputs, last.inputs[1 - place])
            return replace(product, kind=DENSE, inputs=inputs, outputs=last.outputs)
    return None
