"""Sums of products of two tensors, `tf.einsum`, as ONNX matrix products."""

from typing import Any, NamedTuple

from .._others import _tf2onnx
from ._onnx_resampling import transposed_axes


class Product(NamedTuple):
    """The axes in the order of a matrix product: (many, rows, summed) x (many, summed, columns).

    Attributes:
        left, right: permutations of the two tensors.
        result: permutation of the product.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    result: tuple[int, ...]


def product_of(equation: str) -> Product | None:
    """How one matrix product computes an equation, or None.

    "aecd,abcd->acbe", which is the likeness of queries and keys in Keras' attention, has the
    letters a and c in all three terms, d in the two tensors alone, and one letter more in each:
    (a c e d) x (a c d b) = (a c e b), and its last two axes are swapped.
    """
    terms, arrow, result = equation.replace(" ", "").partition("->")
    left, comma, right = terms.partition(",")
    letters = (left, right, result)
    if not (arrow and comma) or not all(term.isalpha() for term in letters):
        return None
    if any(len(set(term)) < len(term) for term in letters) or set(result) - set(left + right):
        return None
    many = "".join(letter for letter in result if letter in left and letter in right)
    summed = "".join(letter for letter in left if letter in right and letter not in result)
    rows = "".join(letter for letter in left if letter not in right)
    columns = "".join(letter for letter in right if letter not in left)
    if not len(summed) == len(rows) == len(columns) == 1 or set(rows + columns) - set(result):
        return None

    def order(term: str, wanted: str) -> tuple[int, ...]:
        return tuple(term.index(letter) for letter in wanted)

    return Product(
        order(left, many + rows + summed),
        order(right, many + summed + columns),
        order(many + rows + columns, result),
    )


def write_einsum(ctx: Any, node: Any, name: str, args: list) -> None:
    """A matrix product between transposes, where that is all.

    tf2onnx computes shapes in the graph for it if the batch is open: eleven operators for each of
    the two products of an attention, which ONNX Runtime's WebGPU provider leaves to the processor.
    """
    product = product_of(node.get_attr_value("equation").decode())
    if product is None:
        _tf2onnx.write_as_usual("Einsum", ctx, node)
        return
    left, right = node.input
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    ctx.remove_node(node.name)
    factors = [transposed_axes(ctx, left, product.left), transposed_axes(ctx, right, product.right)]
    result = ctx.make_node("MatMul", factors, dtypes=dtypes).output[0]
    ctx.make_node(
        "Transpose",
        [result],
        {"perm": list(product.result)},
        name=node.name,
        outputs=outputs,
        shapes=shapes,
        dtypes=dtypes,
    )
