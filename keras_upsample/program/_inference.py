"""Inference functions of a Keras model in a given precision."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._others import _keras
from ._input_shape import InputSpec
from ._private import private_copy
from ._signature import Signature

_FLOAT_POLICIES = {"float32", "mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64"}


def with_precision(model: Any, dtype: str = "float32") -> Any:
    """The model with every layer computing in `dtype`; the model itself where all do.

    Half-precision arithmetic is a means of training: in LiteRT it becomes Flex operators, in ONNX
    a chain of casts. Weights are not converted, only read: one that is itself stored in half
    precision is cast where it is used.

    Args:
        model: is only read; the result is `private` where it is another.
    """
    if not any(_other_policy(layer, dtype) for layer in _keras.flatten_layers(model)):
        return model
    own = private_copy(model)
    set_precision(own, dtype)
    return own


def set_precision(own: Any, dtype: str = "float32") -> None:
    """Let every layer of a private model compute in `dtype`."""
    for layer in _keras.flatten_layers(own):
        policy = _other_policy(layer, dtype)
        if policy is not None:
            _keras.set_dtype_policy(layer, policy)


def _other_policy(layer: Any, dtype: str) -> Any:
    """The layer's policy with another precision; None where there is nothing to change."""
    import keras

    policy = layer.dtype_policy
    if isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        policy = policy[layer.path] if layer.path else policy.default_policy
    name = getattr(policy, "name", None)
    if name in _FLOAT_POLICIES and name != dtype:
        return _computing_in(dtype, policy.variable_dtype)
    if dtype == "float32" and _quantized_in_half(policy):
        return _keras.policy_computing_in(policy, dtype)
    return None


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
