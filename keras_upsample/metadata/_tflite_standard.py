"""`Metadata` as standard TFLite Metadata, which MediaPipe, Task Library and Android Studio read.

https://ai.google.dev/edge/litert/conversion/tensorflow/metadata. Pixels are in 0..255 there, and
an input is (pixel − mean) / std.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._facts import Input, Metadata, Output
from ._flat import flat
from ._scaling import Scaling
from ._tflite_schema import (
    AXIS_LABELS,
    BASE_VERSION,
    CUSTOM_VERSION,
    DESCRIPTIONS,
    GRAYSCALE,
    IDENTIFIER,
    NONE,
    RGB,
    SEGMENTER_ENTRY,
    SEGMENTER_IDENTIFIER,
    SIGMOID,
    SOFTMAX,
    TABLES,
    VALUE_LABELS,
)

WHOLE = "keras_upsample_metadata.json"
"""The associated file that holds the whole `Metadata`."""

_COLOURS: Mapping[tuple[str, ...], int] = {
    ("red", "green", "blue"): RGB,
    ("r", "g", "b"): RGB,
    ("grey",): GRAYSCALE,
    ("gray",): GRAYSCALE,
    ("luminance",): GRAYSCALE,
    ("intensity",): GRAYSCALE,
}
_UNNAMED = {3: RGB, 1: GRAYSCALE}
"""Channels without names: as pictures are read by everybody."""


@dataclass(frozen=True)
class Place:
    """One input or output of a file: its name in the signature, its shape and its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str


def standard(
    metadata: Metadata, inputs: Sequence[Place], outputs: Sequence[Place]
) -> tuple[bytes, dict[str, bytes]]:
    """The FlatBuffer of TFLite Metadata, and the associated files that it names.

    Args:
        metadata: metadata of the file.
        inputs, outputs: inputs and outputs of the file, in its own order.
    """
    files: dict[str, bytes] = {}
    given = [
        _input(_find_by_name(metadata.inputs, place.name, len(inputs), Input), place)
        for place in inputs
    ]
    found = [_find_by_name(metadata.outputs, place.name, len(outputs), Output) for place in outputs]
    results = [
        _output(output, place, index, files)
        for index, (output, place) in enumerate(zip(found, outputs, strict=True))
    ]
    # ImageSegmenter takes the last output.
    activation = _activation(found[-1], metadata.task, outputs[-1]) if found else NONE
    graph: dict[str, Any] = {
        "description": metadata.preprocessing,
        "input_tensor_metadata": given,
        "output_tensor_metadata": results,
    }
    if activation != NONE:
        data = flat(
            TABLES,
            "ImageSegmenterOptions",
            {"activation": activation, "min_parser_version": BASE_VERSION},
            SEGMENTER_IDENTIFIER,
        )
        graph["custom_metadata"] = [{"name": SEGMENTER_ENTRY, "data": data}]
    files[WHOLE] = metadata.to_json().encode()
    model = {
        "name": metadata.name,
        "description": metadata.description or metadata.task.replace("_", " "),
        "version": metadata.version,
        "author": metadata.author,
        "license": metadata.licence,
        "subgraph_metadata": [graph],
        "associated_files": [
            {"name": WHOLE, "type": DESCRIPTIONS, "description": "all metadata, as JSON"}
        ],
        "min_parser_version": BASE_VERSION if activation == NONE else CUSTOM_VERSION,
    }
    return flat(TABLES, "ModelMetadata", model, IDENTIFIER), files


def _find_by_name(items: Sequence[Any], name: str, count: int, kind: type) -> Any:
    """The facts of a tensor: by its name, or the only ones of the only tensor."""
    for item in items:
        if item.name == name:
            return item
    alone = count == 1 and len(items) == 1
    return items[0] if alone else kind()


def _input(item: Input, place: Place) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": place.name, "content": _feature()}
    if len(place.shape) != 4:
        return facts
    words = [str(item.scaling)] if item.scaling is not None else []
    facts["description"] = "; ".join(["picture", *words])
    space = _COLOURS.get(tuple(map(str.lower, item.channels)))
    if not item.channels:
        space = _UNNAMED.get(place.shape[3])
    if space is not None:
        facts["content"] = _image(space, place)
    form = normalization(item.scaling)
    if form is not None:
        facts["process_units"] = [{"options": ("NormalizationOptions", form)}]
    ends = item.value_range
    if ends is None and place.dtype == "uint8":
        ends = (0.0, 255.0)
    if ends is not None:
        facts["stats"] = {"min": [ends[0]], "max": [ends[1]]}
    return facts


def normalization(scaling: Scaling | None) -> dict[str, list[float]] | None:
    """Mean and std by which (pixel − mean) / std is the scaling of a pixel in 0..255.

    y = s u + o, with u = pixel / 255 of the full range, and u = pixel as stored. Percentiles have
    no such form.
    """
    if scaling is None or scaling.base == "percentiles":
        return None
    unit = 255.0 if scaling.base == "full_range" else 1.0
    count = max(len(scaling.scale), len(scaling.offset))
    scales, offsets = (v * (count // len(v)) for v in (scaling.scale, scaling.offset))
    pairs = [(-o * unit / s, unit / s) for s, o in zip(scales, offsets, strict=True)]
    if len(set(pairs)) == 1:
        pairs = pairs[:1]
    return {"mean": [mean + 0.0 for mean, _ in pairs], "std": [std for _, std in pairs]}


def _output(output: Output, place: Place, index: int, files: dict[str, bytes]) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": place.name, "content": _feature(), "description": output.kind}
    picture = len(place.shape) == 4 and output.kind == "picture"
    if picture and place.shape[3] in _UNNAMED:
        facts["content"] = _image(_UNNAMED[place.shape[3]], place)
    if output.unit:
        facts["description"] = f"{output.kind} in {output.unit}"
    ends = output.value_range
    if ends is None and output.kind == "probabilities":
        ends = (0.0, 1.0)
    if ends is not None:
        facts["stats"] = {"min": [ends[0]], "max": [ends[1]]}
    if output.threshold is not None:
        unit = {"global_score_threshold": output.threshold}
        facts["process_units"] = [{"options": ("ScoreThresholdingOptions", unit)}]
    if output.class_names:
        name = "labels.txt" if index == 0 else f"labels_{index + 1}.txt"
        files[name] = "".join(f"{_line(text)}\n" for text in output.class_names).encode()
        kind = VALUE_LABELS if output.kind == "class_map" else AXIS_LABELS
        facts["associated_files"] = [{"name": name, "type": kind, "description": "class names"}]
    return facts


def _activation(output: Output, task: str, place: Place) -> int:
    """What turns the output into probabilities; nothing where that is not known to be due."""
    if output.kind != "logits":
        return NONE
    alone = task in ("binary_segmentation", "multi_label_segmentation") or place.shape[-1:] == (1,)
    return SIGMOID if alone else SOFTMAX


def _line(text: str) -> str:
    return " ".join(text.split())


def _feature() -> dict[str, Any]:
    return {"content_properties": ("FeatureProperties", {})}


def _image(space: int, place: Place) -> dict[str, Any]:
    size = {"width": place.shape[2], "height": place.shape[1]}
    return {"content_properties": ("ImageProperties", {"color_space": space, "default_size": size})}
