"""The scores that a model makes its class maps from."""

from typing import Any

from ..program._signature import Signature
from ._known import output_names


def score_model(model: Any, signature: Signature) -> tuple[Any, Signature, dict[str, float | None]]:
    """A model of the scores in front of the class maps at the end of another.

    Args:
        model: with an argmax or a threshold at the end of one or more outputs.
        signature: of it.

    Returns:
        The model of the scores, its signature, and the outputs that they belong to with their
        thresholds (None where the strongest channel wins). Without outputs where none is seen: the
        model can't be taken apart, or ends otherwise.
    """
    from ..lowering._head import ClassMap, ThresholdMap
    from ..program._assemble import model_at
    from ..program._flatten import graph_at

    nothing: dict[str, float | None] = {}
    try:
        graph, _ = graph_at(model, signature)
        names = output_names(model)
    except Exception:  # a model that can't be followed
        return model, signature, nothing
    found: dict[str, float | None] = {}
    scores = []
    for name, tensor in zip(names, graph.outputs, strict=len(names) > 0):
        operation = None if tensor.node is None else tensor.node.operation
        if isinstance(operation, ClassMap | ThresholdMap):
            found[name] = getattr(operation, "threshold", None)
            scores.append(tensor.node.inputs[0])
    if not scores:
        return model, signature, nothing
    graph.outputs = scores
    result, own = model_at(graph, scores, signature, "scores")
    return result, own, found
