"""Run a network of three spatial axes on a volume, in one piece."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import first_line
from ..images._scaling import scaling_of
from ..images._sources import of_array
from ..metadata._scaling import UNIT
from ..runtimes._onnx_memory import RunMemoryError
from ._networks import Network
from ._predictor import Predictor

_PROBE = (16, 32, 32)
"""Slices, rows and columns, where a network takes any."""


def volume_of_noise(network: Network) -> np.ndarray:
    """The network's output for noise, (D, H, W, K).

    Raises:
        ValueError: it can't be run, or the output is not as large as the input.
    """
    sizes = (network.depth, *network.size)
    shape = [given or probe for given, probe in zip(sizes, _PROBE, strict=True)]
    noise = np.random.default_rng(20).random((*shape, network.channels or 1), dtype="float32")
    scaling = network.scaling or UNIT
    if scaling.channels in (None, noise.shape[-1]):
        factor, offset = (np.asarray(n, "float32") for n in (scaling.scale, scaling.offset))
        noise *= factor
        noise += offset
    return _answer(network, noise)


def run_volume(predictor: Predictor, volume: Any, given: Mapping[str, Any]) -> np.ndarray:
    """Predict probabilities, class numbers or values of a volume, (D, H, W, K).

    Args:
        predictor: a model of volumes.
        volume: (D, H, W) or (D, H, W, C).
        given: arguments that apply only to images, by name; each must be None.

    Raises:
        ValueError: it is no such array, its size or channels are not those that the network takes,
            it holds NaN or infinity, or an argument for images is given.
    """
    network = predictor.network
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"`{name}` is for images; {network.name!r} takes volumes, which go through it in "
                f"one piece. Received: {value!r}. Leave it out."
            )
    values = None if isinstance(volume, str | bytes) else np.asarray(volume)
    if values is None or values.ndim not in (3, 4) or values.dtype.kind not in "buif":
        received = repr(volume) if values is None else f"shape {values.shape}, {values.dtype}"
        raise ValueError(
            f"`image` must be an array (D, H, W) or (D, H, W, C) of numbers: {network.name!r} "
            f"takes volumes. Received: {received}."
        )
    values = values[..., None] if values.ndim == 3 else values
    wanted = (network.depth, *network.size, network.channels)
    if 0 in values.shape or any(
        n not in (None, own) for n, own in zip(wanted, values.shape, strict=True)
    ):
        listed = " x ".join("any" if n is None else str(n) for n in wanted)
        raise ValueError(
            f"{network.name!r} takes volumes of {listed} (depth, height, width, channels). "
            f"Received: {values.shape}. Cut or pad it, or load a network of open sizes."
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("The volume holds NaN or infinity. Replace these values first.")
    slices = of_array(values.reshape(-1, *values.shape[2:]))  # (D H, W, C)
    scaled = scaling_of(slices, predictor.scaling)(slices.rows(0, slices.shape[0]))
    return predictor.finish(_answer(network, scaled.reshape(values.shape)))


def _answer(network: Network, volume: np.ndarray) -> np.ndarray:
    """(D, H, W, C) -> (D, H, W, K)."""
    try:
        values = network.run(np.ascontiguousarray(volume, "float32"))
    except RunMemoryError:
        raise
    except Exception as error:  # TensorFlow's, ONNX Runtime's and LiteRT's share no class
        size = "x".join(map(str, volume.shape[:3]))
        raise ValueError(
            f"{network.name!r} can't be run on {size} voxels: {first_line(error)}"
        ) from error
    values = values[..., None] if values.ndim == 3 else values
    if values.ndim != 4 or values.shape[:3] != volume.shape[:3]:
        raise ValueError(
            f"{network.name!r} gives {values.shape} for a volume of {volume.shape}. Prediction of "
            "volumes is for models whose output is as large as their input."
        )
    return values
