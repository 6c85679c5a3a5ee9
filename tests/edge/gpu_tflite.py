"""TFLite files of one operator, by a function of tensors."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gpu_case import Case

Shape = tuple[int, ...]
Spec = Shape | tuple[Shape, str]
IMAGE = (1, 4, 6, 8)
STACK = (5, 6, 8)


def case(
    operator: str, text: str, function: Callable[..., Any], *specs: Spec, **facts: Any
) -> Case:
    """A case; a spec is the shape of an input, or its shape and type."""
    return Case(operator, text, lambda: _file(function, specs), **facts)


def _file(function: Callable[..., Any], specs: tuple[Any, ...]) -> bytes:
    tf = tensorflow()
    typed = [spec if spec and isinstance(spec[0], tuple) else (spec, "float32") for spec in specs]
    inputs = [tf.TensorSpec(shape, kind) for shape, kind in typed]
    traced = tf.function(function, input_signature=inputs, autograph=False)
    functions = [traced.get_concrete_function()]
    return tf.lite.TFLiteConverter.from_concrete_functions(functions, tf.Module()).convert()


def tensorflow() -> Any:
    """TensorFlow, imported when the first file is made, because that takes seconds."""
    import tensorflow

    return tensorflow


def numbers(*shape: int, kind: str = "float32") -> Any:
    """A constant, the same in every run."""
    rng = np.random.default_rng(1)
    values = rng.integers(1, 100, shape) if kind == "int32" else rng.normal(0, 1, shape)
    return tensorflow().constant(values.astype(kind))


def times(shape: Shape) -> str:
    """`(1, 2)` -> `1x2`."""
    return "x".join(map(str, shape)) or "of one element"
