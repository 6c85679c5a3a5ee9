"""A Keras model as a float32 inference function, the model itself left as it was."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np

from ._input_shape import InputSpec
from ._signature import Signature

_FLOAT_POLICIES = {"float32", "mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64"}


@contextmanager
def inference_in(model: Any, dtype: str = "float32") -> Iterator[None]:
    """Inside, every layer of the model computes in `dtype`, whatever its training policy.

    Half-precision arithmetic is a means of training: in LiteRT it becomes Flex operators, in ONNX
    a chain of casts. Weights are not converted, only read (a weight that is itself stored in half
    precision is cast where it is used); a clone would need every custom layer's configuration to be
    complete.
    """
    changed: list[tuple[Any, Any]] = []
    try:
        for layer in model._flatten_layers():
            policy = layer.dtype_policy
            name = getattr(policy, "name", None)
            if name in _FLOAT_POLICIES and name != dtype:
                changed.append((layer, policy))
                layer.dtype_policy = _computing_in(dtype, policy.variable_dtype)
            elif _quantized_in_half(policy) and dtype == "float32":
                changed.append((layer, policy))
                layer.dtype_policy = copy(policy)
                layer.dtype_policy._compute_dtype = dtype
        yield
    finally:
        for layer, policy in changed:
            layer.dtype_policy = policy


def _quantized_in_half(policy: Any) -> bool:
    """Whether it is the policy of a layer that Keras quantised and that computes in 16 bits."""
    quantized = getattr(policy, "quantization_mode", None) is not None
    return quantized and policy.compute_dtype in ("float16", "bfloat16")


def _computing_in(dtype: str, variable_dtype: str) -> Any:
    import keras

    class Policy(keras.DTypePolicy):
        @property
        def variable_dtype(self) -> str:
            return variable_dtype  # where it is another, Keras casts when the weight is read

    return Policy(dtype)


def check_weights(model: Any) -> None:
    """Refuse a model whose weights can't be meant.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    for weight in model.weights:
        values = np.asarray(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(
                f"The weight {weight.path!r} of model {model.name!r} holds NaN or infinity, so no "
                "comparison with an artefact can mean anything. Restore a sound checkpoint first."
            )


def tensor_specs(inputs: Sequence[InputSpec]) -> list[Any]:
    """The inputs as `tf.TensorSpec`s."""
    import tensorflow as tf

    return [tf.TensorSpec(spec.shape, spec.dtype, name=spec.name) for spec in inputs]


def inference_function(model: Any, signature: Signature) -> Any:
    """The model as a traced `tf.function` from its inputs to a dict of named outputs."""
    import tensorflow as tf

    @tf.function(input_signature=tensor_specs(signature.inputs), autograph=False)
    def infer(*tensors: Any) -> dict[str, Any]:
        return signature.call(model, tensors)

    return infer
