"""PyTorch modules: what of them can be read, and how they are left as they were."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._installed import need
from ..errors import first_line

_SEED = 0


def load_torch() -> Any:
    """PyTorch.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    need("torch", "PyTorch is not installed.", "keras-upsample[torch]")
    import torch

    return torch


def plain_module(module: Any) -> Any:
    """The module inside of DataParallel and torch.compile.

    Raises:
        TypeError: it is none of PyTorch's.
        ValueError: its weights are not float32, or not on the CPU.
    """
    torch = load_torch()
    if not isinstance(module, torch.nn.Module):
        hint = (
            " A state dict holds weights without the network: build the network, then "
            "`load_state_dict`; for segmentation_models.pytorch, `from_smp` does both."
            if isinstance(module, dict)
            else ""
        )
        raise TypeError(
            f"`module` must be a torch.nn.Module. Received: {type(module).__name__}.{hint}"
        )
    parallel = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
    while isinstance(module, parallel) or type(module).__name__ == "OptimizedModule":
        (module,) = module.children()
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        _require_float32_on_cpu(tensor, f"`module` has {name!r}", "module")
    return module


def _require_float32_on_cpu(tensor: Any, what: str, argument: str) -> None:
    torch = load_torch()
    if tensor.device.type != "cpu":
        raise ValueError(
            f"{what} on {tensor.device}; the CPU is read. Pass `{argument}.cpu()`, or a copy: "
            f"`copy.deepcopy({argument}).cpu()`."
        )
    if tensor.is_quantized or tensor.is_complex():
        raise ValueError(f"{what} of {tensor.dtype}; torch.float32 is read.")
    if tensor.is_floating_point() and tensor.dtype != torch.float32:
        raise ValueError(
            f"{what} of {tensor.dtype}; torch.float32 is read. Pass `{argument}.float()`, or a "
            f"copy: `copy.deepcopy({argument}).float()`."
        )


def example_input(example: Any) -> Any:
    """A tensor (N, ...) of what the user passed: a tensor, an array or a shape.

    Raises:
        TypeError: something else, or several inputs.
        ValueError: not float32, or not on the CPU.
    """
    torch = load_torch()
    if isinstance(example, torch.Tensor):
        tensor = example.detach()
    elif isinstance(example, np.ndarray):
        tensor = torch.from_numpy(np.array(example))
    elif _is_shape(example):
        return torch.from_numpy(noise(tuple(example), _SEED))
    else:
        several = isinstance(example, list | tuple | dict)
        raise TypeError(
            "`example` must be a tensor, an array or a shape such as (1, 3, 256, 256). Received: "
            f"{type(example).__name__}."
            + (" Modules of several inputs are not read; wrap yours in one of one." * several)
        )
    if not tensor.is_floating_point():
        raise ValueError(f"`example` must be of torch.float32. Received: {tensor.dtype}.")
    _require_float32_on_cpu(tensor, "`example` is", "example")
    if tensor.ndim < 2 or 0 in tensor.shape:
        raise ValueError(
            "`example` must be a batch of images, (N, channels, height, width). Received the shape "
            f"{tuple(tensor.shape)}."
        )
    return tensor


def _is_shape(example: Any) -> bool:
    whole = isinstance(example, list | tuple) and all(
        isinstance(n, int | np.integer) and not isinstance(n, bool) for n in example
    )
    return whole and len(example) >= 2 and min(example) >= 1


def noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Values as images have them, and a few beyond."""
    return np.random.default_rng(seed).normal(0.5, 0.5, shape).astype("float32")


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """The module in evaluation mode, without gradients; afterwards everything is as it was."""
    torch = load_torch()
    flags = {each: each.training for each in module.modules()}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            module.eval()
            yield
        finally:
            for each, flag in flags.items():
                each.training = flag


def output_of(module: Any, given: Any) -> np.ndarray:
    """The module's only output.

    Raises:
        ValueError: it does not take this input, or has several outputs, or another type.
    """
    torch = load_torch()
    try:
        result = module(given)
    except Exception as error:  # of the user's code
        raise ValueError(
            f"`module` does not take an `example` of the shape {tuple(given.shape)}: "
            f"{first_line(error)}"
        ) from error
    if not isinstance(result, torch.Tensor):
        raise ValueError(_not_one_tensor(result))
    if result.dtype != torch.float32:
        raise ValueError(f"The output is of {result.dtype}; torch.float32 is read.")
    return result.numpy()


def _not_one_tensor(result: Any) -> str:
    remedy = "Wrap the module in one whose `forward` returns the one that you want"
    if isinstance(result, dict):
        keys = ", ".join(map(repr, result))
        return f"`module` returns a dict of {keys}; one tensor is read. {remedy}."
    if isinstance(result, list | tuple):
        return f"`module` returns {len(result)} outputs; one tensor is read. {remedy}."
    return f"`module` returns a {type(result).__name__}; a tensor is read. {remedy}."
