"""A model that returns the scores from which another makes its class maps."""

from ..program._graph import Graph
from ..program._program import Program
from ._known import output_names


def scores_behind(program: Program) -> tuple[Program, dict[str, float | None]]:
    """The program that returns the scores from which a program makes its class maps.

    Args:
        program: a program with an argmax or a threshold at the end of one or more outputs.

    Returns:
        The program of the scores, and output name -> threshold (None for an argmax). There are no
        outputs if the model's graph can't be read or has another end.
    """
    from ..lowering._head import ClassMap, ThresholdMap

    nothing: dict[str, float | None] = {}
    try:
        graph = program.graph
        names = output_names(program.model)
    except Exception:  # a model that can't be followed
        return program, nothing
    found: dict[str, float | None] = {}
    scores = []
    for name, tensor in zip(names, graph.outputs, strict=len(names) > 0):
        operation = None if tensor.node is None else tensor.node.operation
        if tensor.node is not None and isinstance(operation, ClassMap | ThresholdMap):
            found[name] = getattr(operation, "threshold", None)
            scores.append(tensor.node.inputs[0])
    if not scores:
        return program, nothing
    return program.changed(Graph(graph.inputs, scores), names=(), name="scores"), found
