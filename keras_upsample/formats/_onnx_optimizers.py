"""tf2onnx's optimisers, kept from what goes wrong at open sizes."""

from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

import numpy as np

from .._others import _tf2onnx

_Result = TypeVar("_Result")
_ONE_CONVERSION = RLock()
"""tf2onnx's table of optimisers is the process's."""


def with_sound_optimizers(convert: Callable[[], _Result]) -> _Result:
    """Let tf2onnx convert without two of its errors, and without a copy before each optimiser.

    Where a transpose moves nothing but axes of size 1, tf2onnx makes it a reshape. With two open
    axes the reshape's shape is computed in the graph; the reshape optimiser then aligns equal axes
    by an axis in front, and squeezes that away for the nodes that read the result, but not where
    the result is an output of the graph: (N, H, W, 1) came out as (1, N, H, W, 1). Whether a
    result is an output of the graph itself at that moment, or is read by an Identity that is one,
    depends on the order in which a set of nodes is visited, and so on addresses in memory.

    Args:
        convert: calls tf2onnx. It is called a second time if an optimiser failed; tf2onnx goes on
            without that optimiser then.
    """
    ours = {
        "reshape_optimizer": _tf2onnx.reshape_optimizer(leaves=_is_an_output),
        "optimize_transpose": _tf2onnx.transpose_optimizer(ending=_reshape_where_nothing_moves),
    }
    with _ONE_CONVERSION:
        optimizers = _tf2onnx.optimizers()
        before = {name: optimizers[name] for name in ours}
        optimizers.update(ours)
        try:
            try:
                with _tf2onnx.without_copies():
                    return convert()
            except _tf2onnx.OptimizerError:
                return convert()
        finally:
            optimizers.update(before)


def _is_an_output(node: Any, graph: Any) -> bool:
    return node.output[0] in graph.outputs


def _reshape_where_nothing_moves(graph: Any) -> None:
    """Transposes that move axes of size 1 alone become reshapes, if at most one size is open."""
    for node in list(graph.get_nodes()):
        if node.type != "Transpose" or "perm" not in node.attr:
            continue
        before, order = graph.get_shape(node.input[0]), node.get_attr_value("perm")
        if not before or before.count(-1) > 1:
            continue
        kept = [axis for axis in order if before[axis] != 1]
        if kept != sorted(kept):
            continue
        after = np.array([before[axis] for axis in order], np.int64)
        shape = graph.make_const(_tf2onnx.new_name("new_shape"), after).output[0]
        inputs, outputs, name = [node.input[0], shape], node.output, node.name
        shapes, dtypes = node.output_shapes, node.output_dtypes
        graph.remove_node(name)
        graph.make_node("Reshape", inputs, name=name, outputs=outputs, shapes=shapes, dtypes=dtypes)
    graph.topological_sort(graph.get_nodes())
