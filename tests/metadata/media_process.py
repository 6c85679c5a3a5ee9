"""What `media` runs in MediaPipe's process: `segment` or `facts`, a model, a picture, a result."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np


def _segment(model: str, picture: str) -> tuple[dict, dict]:
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageSegmenterOptions(
        base_options=BaseOptions(model_asset_path=model),
        output_category_mask=True,
        output_confidence_masks=True,
    )
    with vision.ImageSegmenter.create_from_options(options) as segmenter:
        image = mediapipe.Image.create_from_file(picture)
        result = segmenter.segment(image)
        masks = [np.array(mask.numpy_view()) for mask in result.confidence_masks]
        return (
            {
                "pixels": np.array(image.numpy_view())[..., :3],
                "confidence": np.stack([mask.reshape(mask.shape[:2]) for mask in masks], -1),
                "category": np.array(result.category_mask.numpy_view()).reshape(masks[0].shape[:2]),
            },
            {"labels": list(segmenter.labels)},
        )


def _facts(model: str) -> dict:
    tflite, standard, segmenter = map(
        _schema, ("schema", "metadata_schema", "image_segmenter_metadata_schema")
    )
    root = tflite.Model.GetRootAs(Path(model).read_bytes(), 0)
    entries = [root.Metadata(i) for i in range(root.MetadataLength())]
    (entry,) = [entry for entry in entries if entry.Name() == b"TFLITE_METADATA"]
    buffer = root.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    whole = _plain(standard.ModelMetadataT.InitFromPackedBuf(buffer))
    whole["identified"] = standard.ModelMetadata.ModelMetadataBufferHasIdentifier(buffer, 0)
    for graph in whole["subgraphMetadata"]:
        for item in graph["customMetadata"] or []:
            data = bytes(item["data"])
            item["data"] = _plain(segmenter.ImageSegmenterOptionsT.InitFromPackedBuf(data))
    return whole


def _schema(name: str) -> object:
    """MediaPipe's generated code, without all that `import mediapipe` brings."""
    package = importlib.util.find_spec("mediapipe").submodule_search_locations[0]
    place = Path(package) / "tasks" / "metadata" / f"{name}_py_generated.py"
    spec = importlib.util.spec_from_file_location(name, place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "__dict__"):
        return {name: _plain(item) for name, item in vars(value).items()}
    return value


if __name__ == "__main__":
    what, model, picture, result = sys.argv[1:]
    arrays, told = _segment(model, picture) if what == "segment" else ({}, {"facts": _facts(model)})
    np.savez(result, told=json.dumps(told), **arrays)
