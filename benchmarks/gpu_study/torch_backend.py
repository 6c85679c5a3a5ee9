"""Our layers on Keras' PyTorch backend, beside PyTorch's own operators."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gpu_study.layouts import as_images, placed
from gpu_study.torch_own import functions, torch_weights
from gpu_study.windows import Found, Problem


class TorchBackend:
    """Runs on the first GPU, or on the CPU where there is none."""

    name = "torch"
    own = True  # PyTorch's operators can be run here

    def __init__(self) -> None:
        import torch

        self._torch = torch
        self.on_gpu = torch.cuda.is_available()
        self._device = "cuda" if self.on_gpu else "cpu"

    def describe(self) -> dict[str, Any]:
        torch = self._torch
        device = torch.cuda.get_device_name() if self.on_gpu else "cpu"
        return {"device": device, "versions": {"torch": torch.__version__}}

    def wait(self, result: object) -> None:
        del result
        if self.on_gpu:
            self._torch.cuda.synchronize()

    def copy(self, values: int) -> Callable[[], object]:
        """A call that copies that many float32 values on the device."""
        source = self._torch.ones(values, device=self._device)
        target = self._torch.empty_like(source)
        return lambda: target.copy_(source)

    @contextmanager
    def in_full_precision(self) -> Iterator[None]:
        """Products of float32 without TF32."""
        backends = self._torch.backends
        before = backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32
        backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = False
        try:
            yield
        finally:
            backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32 = before

    def run(self, layer: Any, problem: Problem, data_format: str) -> Found:
        """What the layer computes, and its gradients."""
        x, cotangent = self._tensors(problem, data_format)
        weights = [v.value for v in layer.trainable_variables]
        return self._pulled_back(layer(x), x, weights, cotangent, problem, data_format)

    def run_own(self, name: str, problem: Problem) -> Found:
        """The same of PyTorch's operator, without the weights' gradients (their axes differ)."""
        x, cotangent = self._tensors(problem, "channels_first")
        y = functions()[name](x, *self._own_weights(name, problem))
        return self._pulled_back(y, x, [], cotangent, problem, "channels_first")

    def calls(
        self, name: str, problem: Problem, layers: dict[str, Any], gradient: bool
    ) -> dict[str, Callable[[], object]]:
        """Name -> one forward pass, or one forward and backward pass."""
        compiled = self._torch.compile
        self._torch.compiler.reset()  # what was compiled for other shapes
        candidates = {}
        for data_format, layer in layers.items():
            inputs = self._tensors(problem, data_format)
            weights = [v.value for v in layer.trainable_variables]
            short = data_format.removeprefix("channels_")
            if data_format == "channels_first":
                candidates[f"keras eager, {short}"] = self._call(layer, *inputs, weights, gradient)
            if data_format == "channels_first" or not gradient:  # compiling takes seconds
                run = compiled(layer, dynamic=False)
                candidates[f"keras compiled, {short}"] = self._call(run, *inputs, weights, gradient)
        inputs, weights = self._tensors(problem, "channels_first"), self._own_weights(name, problem)
        function = functions()[name]
        run = compiled(lambda x: function(x, *weights), dynamic=False)
        candidates["torch compiled"] = self._call(run, *inputs, weights, gradient)
        return candidates

    def _call(
        self, run: Callable[[Any], Any], x: Any, cotangent: Any, weights: list[Any], gradient: bool
    ) -> Callable[[], object]:
        torch = self._torch

        def forward() -> object:
            with torch.no_grad():
                return run(x)

        def both() -> object:
            return torch.autograd.grad(run(x), [x, *weights], cotangent)

        return both if gradient else forward

    def _tensors(self, problem: Problem, data_format: str) -> tuple[Any, Any]:
        dtype = getattr(self._torch, problem.dtype)
        x = self._torch.from_numpy(placed(problem.x, data_format)).to(self._device, dtype)
        n, h, w, c = problem.output_shape
        shape = (n, h, w, c) if data_format == "channels_last" else (n, c, h, w)
        cotangent = self._torch.zeros(shape, dtype=dtype, device=self._device)
        for window, part in zip(problem.windows, problem.cotangents, strict=True):
            values = self._torch.from_numpy(part).to(self._device, dtype)
            as_images(cotangent, data_format)[window.output] = values
        return x.requires_grad_(), cotangent

    def _own_weights(self, name: str, problem: Problem) -> list[Any]:
        dtype = getattr(self._torch, problem.dtype)
        return [
            self._torch.from_numpy(np.ascontiguousarray(w)).to(self._device, dtype).requires_grad_()
            for w in torch_weights(name, problem.weights)
        ]

    def _pulled_back(
        self,
        y: Any,
        x: Any,
        weights: list[Any],
        cotangent: Any,
        problem: Problem,
        data_format: str,
    ) -> Found:
        of_x, *of_weights = self._torch.autograd.grad(y, [x, *weights], cotangent)
        y = as_images(y.detach(), data_format)
        parts = [self._array(y[window.output]) for window in problem.windows]
        of_x = as_images(of_x, data_format)
        crops = [self._array(of_x[window.crop]) for window in problem.windows]
        for window in problem.windows:
            of_x[window.crop] = 0
        far = bool((of_x != 0).any())
        return Found(parts, crops, far, [self._array(g) for g in of_weights])

    def _array(self, tensor: Any) -> np.ndarray:
        return np.array(tensor.float().cpu().numpy())  # a copy: on the CPU they share memory
