"""The keys that Deepness, QGIS' plug-in for neural networks, reads from an ONNX file.

https://qgis-plugin-deepness.readthedocs.io/en/latest/creators/creators_add_metadata_to_model.html,
and what its code does with them (`src/deepness/processing/models/model_base.py`): it shows a file
square tiles of 8-bit pixels, (N, C, S, S) float32, as (pixel / 255 − mean) / std.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._facts import Metadata, Output
from ._scaling import Scaling


@dataclass(frozen=True)
class Tensor:
    """An input or output of a file; None stands for any size."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


def deepness(
    metadata: Metadata, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> dict[str, str]:
    """The keys that are true of a file; none for a file that Deepness would feed wrongly."""
    tile = _tile(inputs) if metadata.input.layout == "nchw" else None
    scaling = metadata.input.scaling
    if tile is None or scaling is None or scaling.base != "full_range":
        return {}
    if scaling.channels not in (None, inputs[0].shape[1]):
        return {}
    found = [_facts_of(metadata, tensor, len(outputs)) for tensor in outputs]
    made = _segmentor(metadata, found, outputs, tile)
    made = made or _regressor(found, outputs) or _superresolution(metadata, found, outputs)
    if not made:
        return {}
    plain = {**made, "tile_size": tile, **_standardization(scaling, inputs[0])}
    return {key: json.dumps(value) for key, value in plain.items()}


def class_names(metadata: Metadata, outputs: Sequence[Tensor]) -> Any:
    """Names by number, of each output where there are several; None where there are none."""
    listed = [_facts_of(metadata, tensor, len(outputs)).class_names for tensor in outputs]
    if not any(listed):
        listed = [metadata.class_names]
    if not any(listed):
        return None
    if len(listed) == 1:
        return dict(enumerate(listed[0]))
    return [
        dict(enumerate(names or _number_channels(tensor, metadata.input.layout)))
        for names, tensor in zip(listed, outputs, strict=True)
    ]


def _number_channels(tensor: Tensor, layout: str) -> list[str]:
    """What Deepness calls channels without names."""
    count = tensor.shape[1 if layout == "nchw" else 3] if len(tensor.shape) == 4 else 1
    return [f"channel_{number}" for number in range(count or 0)]


def _facts_of(metadata: Metadata, tensor: Tensor, count: int) -> Output:
    named = [output for output in metadata.outputs if output.name == tensor.name]
    if named:
        return named[0]
    return metadata.output if count == 1 and len(metadata.outputs) == 1 else Output()


def _tile(inputs: Sequence[Tensor]) -> int | None:
    """The side of the square that the only input takes, channels first."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].dtype != "float32":
        return None
    _, channels, height, width = inputs[0].shape
    return height if channels and height and height == width else None


def _segmentor(
    metadata: Metadata, found: Sequence[Output], outputs: Sequence[Tensor], tile: int
) -> dict[str, Any]:
    """It sets what is below the threshold to 0, then takes the largest channel; of a single one,
    what is left."""
    if metadata.task not in ("segmentation", "binary_segmentation"):
        return {}
    for output, tensor in zip(found, outputs, strict=True):
        if output.kind != "probabilities" or tensor.shape[2:] != (tile, tile):
            return {}
    alone = [tensor.shape[1] == 1 for tensor in outputs]
    thresholds = {output.threshold for output, one in zip(found, alone, strict=True) if one}
    if len(thresholds) > 1 or len(set(alone)) > 1:
        return {}  # it has one threshold for all
    threshold = (thresholds.pop() or 0.5) if all(alone) else 0.0
    return {"model_type": "Segmentor", "seg_thresh": threshold}


def _regressor(found: Sequence[Output], outputs: Sequence[Tensor]) -> dict[str, Any]:
    for output, tensor in zip(found, outputs, strict=True):
        if output.kind != "regression" or not _square(tensor):
            return {}
    return {"model_type": "Regressor", "reg_output_scaling": 1.0}


def _superresolution(
    metadata: Metadata, found: Sequence[Output], outputs: Sequence[Tensor]
) -> dict[str, Any]:
    picture = len(found) == 1 and found[0].kind == "picture" and _square(outputs[0])
    wanted = picture and metadata.task == "super_resolution"
    return {"model_type": "Superresolution"} if wanted else {}


def _square(tensor: Tensor) -> bool:
    return len(tensor.shape) == 4 and bool(tensor.shape[2]) and tensor.shape[2] == tensor.shape[3]


def _standardization(scaling: Scaling, tensor: Tensor) -> Mapping[str, list[float]]:
    """s u + o = (u − mean) / std, one a channel."""
    count = int(tensor.shape[1] or 1)
    scales, offsets = (v * (count // len(v)) for v in (scaling.scale, scaling.offset))
    return {
        "standardization_mean": [-o / s + 0.0 for s, o in zip(scales, offsets, strict=True)],
        "standardization_std": [1 / s for s in scales],
    }
