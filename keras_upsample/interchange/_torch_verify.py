"""The model that was read, compared with the PyTorch module itself."""

import copy
from functools import partial
from typing import Any

import numpy as np

from ._agreement import check_agreement
from ._torch_module import load_torch, noise, output_of

_BATCH = 2
_OTHER_SEED = 1


def verify(model: Any, module: Any, given: Any, wanted: np.ndarray) -> None:
    """Both on the example and on two images of noise.

    Where they differ by more than the gate, and by little, both are compared with the module in
    float64: a net that amplifies rounding is no wrong model.

    Args:
        model: what was read.
        module: in evaluation mode.
        given, wanted: the example, and the module's output.

    Raises:
        VerificationError: they differ by more than 5e-5 of the output's range, over both inputs,
            and the model is further from float64 than the module is by more than that.
    """
    other = load_torch().from_numpy(noise((_BATCH, *given.shape[1:]), _OTHER_SEED))
    cases = [(given, wanted), (other, output_of(module, other))]
    reach = max(float(np.ptp(values)) for _, values in cases) or 1.0
    what = f"The output of `{type(module).__name__}`"
    for images, values in cases:
        expected = channels_last(values)
        found = np.asarray(model(channels_last(images.numpy()), training=False))
        check_agreement(
            what,
            "PyTorch",
            found,
            expected,
            reach,
            partial(_in_double, module, images),
        )


def _in_double(module: Any, images: Any) -> np.ndarray:
    return channels_last(copy.deepcopy(module).double()(images.double()).numpy())


def channels_last(array: np.ndarray) -> np.ndarray:
    """In the order of the model."""
    return np.moveaxis(array, 1, -1) if array.ndim >= 4 else array
