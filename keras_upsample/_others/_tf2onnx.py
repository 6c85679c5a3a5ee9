"""Private names of tf2onnx, read in tf2onnx 1.17.0."""

import os
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

_HANDLERS = {
    "Conv3D": ("nn", "ConvOp", "version_13"),
    "Conv2DBackpropInput": ("nn", "ConvTranspose", "version_1"),
    "Einsum": ("math", "Einsum", "version_12"),
    "FloorDiv": ("math", "FloorDiv", "version_6"),
    "FloorMod": ("math", "FloorMod", "version_7"),
    "Reshape": ("tensor", "Reshape", "version_5"),
    "StridedSlice": ("tensor", "StridedSlice", "version_13"),
}
"""Operator of TensorFlow -> module, class and method by which tf2onnx writes it."""


def write_as_usual(operator: str, ctx: Any, node: Any) -> None:
    """Put tf2onnx's own ONNX form in the place of a node.

    tf2onnx 1.17.0, the classes of `tf2onnx.onnx_opset`, one method for each opset that changed
    something.

    Args:
        operator: of TensorFlow, one of those in the table above.
        ctx: the graph.
        node: of it.
    """
    module, kind, version = _HANDLERS[operator]
    handler = getattr(import_module(f"tf2onnx.onnx_opset.{module}"), kind)
    getattr(handler, version)(ctx, node)


def new_name(stem: str) -> str:
    """A name that no node has yet, beginning with this.

    tf2onnx 1.17.0, `tf2onnx.utils.make_name`.
    """
    from tf2onnx import utils

    return str(utils.make_name(stem))


def optimizers() -> MutableMapping[str, Any]:
    """The optimisers by name, in the order in which they run; what is put in is used.

    tf2onnx 1.17.0, `tf2onnx.optimizer._optimizers`.
    """
    from tf2onnx.optimizer import _optimizers

    return _optimizers


def reshape_optimizer(leaves: Callable[[Any, Any], bool]) -> Any:
    """The class of the optimiser "reshape_optimizer", without some reshapes.

    tf2onnx 1.17.0, `tf2onnx.optimizer.reshape_optimizer.ReshapeOptimizer._optimize_reshape`.

    Args:
        leaves: whether a node of a graph, (node, graph), is to stay as it is.
    """
    from tf2onnx.optimizer.reshape_optimizer import ReshapeOptimizer

    class Reshapes(ReshapeOptimizer):
        def _optimize_reshape(self, node: Any, graph: Any) -> bool:
            return not leaves(node, graph) and bool(super()._optimize_reshape(node, graph))

    return Reshapes


def transpose_optimizer(ending: Callable[[Any], None]) -> Any:
    """The class of the optimiser "optimize_transpose", with an end of ours.

    tf2onnx 1.17.0, `tf2onnx.optimizer.transpose_optimizer.TransposeOptimizer.post_optimize_action`.

    Args:
        ending: what is done to the graph instead of tf2onnx's own last step, which turns
            transposes into reshapes.
    """
    from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

    class Transposes(TransposeOptimizer):
        def pre_optimize_action(self) -> None:
            # It sorts the graph after each constant that it reshapes; the order after the last
            # sort is the same.
            graph, asked = self._g, list[Any]()
            graph.topological_sort = asked.append
            try:
                super().pre_optimize_action()
            finally:
                del graph.topological_sort
            if asked:
                graph.topological_sort(graph.get_nodes())

        def post_optimize_action(self) -> None:
            ending(self._g)

    return Transposes


class OptimizerError(Exception):
    """An optimiser failed, and its graph may be half changed.

    tf2onnx 1.17.0, `tf2onnx.optimizer.optimize_graph`: any exception of an optimiser.
    """


@contextmanager
def without_copies() -> Iterator[None]:
    """Inside, an optimiser that fails ends the conversion by `OptimizerError`.

    tf2onnx copies the whole graph before each optimiser, to go on from there where it fails.

    tf2onnx 1.17.0, `tf2onnx.convert._convert_common`, the variable TF2ONNX_CATCH_ERRORS.
    """
    table = optimizers()
    before = dict(table)
    table.update({name: _telling(factory) for name, factory in before.items()})
    variable, value = "TF2ONNX_CATCH_ERRORS", os.environ.get("TF2ONNX_CATCH_ERRORS")
    os.environ[variable] = "FALSE"
    try:
        yield
    finally:
        table.update(before)
        if value is None:
            del os.environ[variable]
        else:
            os.environ[variable] = value


def _telling(factory: Callable[[], Any]) -> Callable[[], Any]:
    def make() -> Any:
        made = factory()
        optimize = made.optimize

        def telling(graph: Any, iteration: int) -> Any:
            try:
                return optimize(graph, iteration)
            except Exception as error:
                raise OptimizerError(str(error)) from error

        made.optimize = telling
        return made

    return make
