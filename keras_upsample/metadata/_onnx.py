"""`Metadata` as the string pairs of an ONNX file."""

import json
from collections.abc import Mapping
from typing import Any

from ._facts import Input, Metadata, Output

KEY = "keras_upsample_metadata"
"""Of the whole, as JSON; the other keys repeat single facts for people and other programs."""


def as_properties(metadata: Metadata, layout: str) -> dict[str, str]:
    """The pairs: the whole, single facts in words, and the names of classes as JSON by number."""
    pairs = {
        "model_name": metadata.name,
        "version": metadata.version,
        "preprocessing": metadata.preprocessing,
        "licence": metadata.licence,
        "layout": layout,
        KEY: metadata.to_json(),
    }
    if metadata.class_names:
        pairs["class_names"] = json.dumps(dict(enumerate(metadata.class_names)))
    return {key: value for key, value in pairs.items() if value}


def from_properties(pairs: Mapping[str, str]) -> Metadata | None:
    """What `as_properties` wrote, or the single facts of an earlier version; None for no fact.

    Raises:
        ValueError: it is damaged.
    """
    if KEY in pairs:
        return Metadata.from_json(pairs[KEY])
    names: Any = tuple(pairs.get("class_names", "").splitlines())
    if "class_names" in pairs and pairs["class_names"].lstrip()[:1] in ("[", "{"):
        names = _listed(pairs["class_names"])
    if not names and "preprocessing" not in pairs:
        return None
    return Metadata(
        name=pairs.get("model_name", ""),
        version=pairs.get("version", "1"),
        inputs=(Input(layout=pairs["layout"]),) if pairs.get("layout") in ("nhwc", "nchw") else (),
        outputs=(Output(class_names=names),) if names else (),
        preprocessing=pairs.get("preprocessing", ""),
    )


def _listed(text: str) -> tuple[str, ...]:
    """Names in JSON: a list, or a dict by class number as Deepness and YOLO files have it."""
    try:
        plain = json.loads(text)
    except json.JSONDecodeError:
        return ()
    if isinstance(plain, Mapping):
        plain = [plain[key] for key in sorted(plain, key=lambda key: (len(str(key)), str(key)))]
    return tuple(map(str, plain)) if isinstance(plain, list) else ()
