"""Image sizes before and after each resize and transposed convolution of a model.

Where height and width are open, a converter can't see that a layer doubles them, and wraps it in
some twenty nodes of shape arithmetic. Traced at two fixed sizes, the model tells.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ._inference import inference_function
from ._signature import Signature

RESIZES = ("ResizeNearestNeighbor", "ResizeBilinear")
# Pairs of image sizes at which a model with open sizes is traced; a model may refuse small ones.
_PROBES = ((64, 96), (256, 320), (572, 604))

Sample = tuple[tuple[int, int], tuple[int, int]]
"""(height, width) before and after one operator, in pixels."""


def size_samples(model: Any, signature: Signature) -> dict[str, list[Sample]]:
    """Sizes before and after each resize and transposed convolution, by TensorFlow node name.

    A model with open sizes is traced at two fixed ones and the static shapes are read. The sizes
    of every such layer follow an affine law, and two points determine it.
    """
    if all(None not in spec.shape[1:] for spec in signature.inputs):
        return _node_sizes(model, _at(signature, 1))
    for probes in _PROBES:
        try:
            first, second = (_node_sizes(model, _at(signature, size)) for size in probes)
        except Exception:  # the model refuses this size, whatever the error; try a larger one
            continue
        return {name: first[name] + second[name] for name in first.keys() & second.keys()}
    return {}


def _at(signature: Signature, size: int) -> Signature:
    def close(shape: tuple[int | None, ...]) -> tuple[int, ...]:
        return (shape[0] or 1, *(n or size for n in shape[1:]))

    return replace(
        signature,
        inputs=tuple(replace(spec, shape=close(spec.shape)) for spec in signature.inputs),
    )


def _node_sizes(model: Any, signature: Signature) -> dict[str, list[Sample]]:
    graph = inference_function(model, signature).get_concrete_function().graph
    sizes = {}
    for node in graph.get_operations():
        if node.type in RESIZES or node.type == "Conv2DBackpropInput":
            image = node.inputs[2 if node.type == "Conv2DBackpropInput" else 0]
            before, after = image.shape[1:3], node.outputs[0].shape[1:3]
            if None in before or None in after:
                continue
            # tf2onnx joins an operator and its bias to one node of the second's name.
            joined = [user for user in node.outputs[0].consumers() if user.type == "BiasAdd"]
            for name in (node.name, *(user.name for user in joined)):
                sizes[name] = [(tuple(before), tuple(after))]
    return sizes


def integer_scale(samples: list[Sample]) -> tuple[int, int] | None:
    """The factors by which every sample grows, or None."""
    scales = {
        (after[0] // before[0], after[1] // before[1])
        if after[0] % before[0] == after[1] % before[1] == 0
        else None
        for before, after in samples
    }
    return scales.pop() if len(scales) == 1 else None


def surplus_of(
    samples: list[Sample], kernel: Sequence[int], strides: list[int]
) -> tuple[int, int] | None:
    """By how much the full output, (n - 1) s + k, exceeds the real one, if always the same."""
    surplus = {
        tuple(
            (n - 1) * s + k - m for n, m, s, k in zip(before, after, strides, kernel, strict=True)
        )
        for before, after in samples
    }
    if len(surplus) != 1:
        return None
    height, width = surplus.pop()
    return height, width
