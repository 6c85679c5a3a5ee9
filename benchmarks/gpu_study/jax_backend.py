"""Our layers on Keras' JAX backend, compiled by `jax.jit`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from gpu_study.layouts import as_images, placed
from gpu_study.windows import Found, Problem


class JaxBackend:
    """Runs on JAX's first device."""

    name = "jax"
    own = False

    def __init__(self) -> None:
        import jax

        self._jax = jax
        self._device = jax.devices()[0]
        self.on_gpu = self._device.platform == "gpu"

    def describe(self) -> dict[str, Any]:
        device = self._device.device_kind if self.on_gpu else self._device.platform
        return {"device": device, "versions": {"jax": self._jax.__version__}}

    def wait(self, result: object) -> None:
        self._jax.block_until_ready(result)

    def copy(self, values: int) -> Callable[[], object]:
        """A call that reads and writes that many float32 values on the device."""
        source = self._jax.numpy.ones(values)
        run = self._jax.jit(self._jax.numpy.negative)  # a plain copy would be left out
        return lambda: run(source)

    def in_full_precision(self) -> AbstractContextManager[Any]:
        """Products of float32 without TF32."""
        return self._jax.default_matmul_precision("highest")

    def run(self, layer: Any, problem: Problem, data_format: str) -> Found:
        """What the layer computes, and its gradients."""
        x, cotangent = self._arrays(problem, data_format)
        weights = [v.value for v in layer.trainable_variables]
        function = self._function(layer, x.shape)

        def both(x: Any, weights: list[Any], cotangent: Any) -> Any:
            y, pull_back = self._jax.vjp(function, x, weights)
            return y, *pull_back(cotangent)

        y, of_x, of_weights = self._jax.jit(both)(x, weights, cotangent)
        y = as_images(y, data_format)
        parts = [_array(y[window.output]) for window in problem.windows]
        of_x = as_images(of_x, data_format)
        crops = [_array(of_x[window.crop]) for window in problem.windows]
        for window in problem.windows:
            of_x = of_x.at[window.crop].set(0)
        return Found(parts, crops, bool((of_x != 0).any()), [_array(g) for g in of_weights])

    def calls(
        self, name: str, problem: Problem, layers: dict[str, Any], gradient: bool
    ) -> dict[str, Callable[[], object]]:
        """Name -> one forward pass, or one forward and backward pass."""
        candidates = {}
        for data_format, layer in layers.items():
            x, cotangent = self._arrays(problem, data_format)
            weights = [v.value for v in layer.trainable_variables]
            function = self._function(layer, x.shape)

            def both(x: Any, weights: Any, cotangent: Any, function: Any = function) -> Any:
                y, pull_back = self._jax.vjp(function, x, weights)
                return y, *pull_back(cotangent)  # with y, so that the forward pass is not left out

            inputs = (x, weights, cotangent) if gradient else (x, weights)
            run = self._jax.jit(both if gradient else function)
            short = data_format.removeprefix("channels_")
            candidates[f"keras compiled, {short}"] = lambda run=run, inputs=inputs: run(*inputs)
        return candidates

    def _function(self, layer: Any, shape: tuple[int, ...]) -> Callable[[Any, list[Any]], Any]:
        """(x, weights) -> y.

        By a model around the layer: `stateless_call` of the layer itself does not cast the weights
        to the dtype that a mixed policy computes in.
        """
        import keras

        model = keras.Sequential([keras.Input(batch_shape=shape), layer])
        fixed = [v.value for v in model.non_trainable_variables]
        return lambda x, weights: model.stateless_call(weights, fixed, x)[0]

    def _arrays(self, problem: Problem, data_format: str) -> tuple[Any, Any]:
        numpy = self._jax.numpy
        x = numpy.asarray(placed(problem.x, data_format), problem.dtype)
        cotangent = numpy.zeros(problem.output_shape, problem.dtype)
        for window, part in zip(problem.windows, problem.cotangents, strict=True):
            cotangent = cotangent.at[window.output].set(numpy.asarray(part, problem.dtype))
        if data_format == "channels_first":
            cotangent = cotangent.transpose(0, 3, 1, 2)
        return x, cotangent


def _array(values: Any) -> np.ndarray:
    return np.asarray(values).astype("float32")
