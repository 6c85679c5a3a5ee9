"""`Metadata` as the string pairs of an ONNX file."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ._deepness import Tensor, class_names, deepness
from ._describe import as_lines
from ._facts import Input, Metadata, Output

KEY = "keras_upsample_metadata"
"""Of the whole, as JSON; the other keys repeat single facts for people and other programs."""


def write_onnx(path: Path, metadata: Metadata) -> None:
    """Put the metadata into an `.onnx` file, whose graph stays as it is, and sign it.

    Every tool that a file goes through, as ONNX Runtime's quantiser, names itself its producer.
    """
    import onnx

    from .._version import __version__

    model = onnx.load(str(path), load_external_data=False)
    inputs, outputs = (_tensors(values) for values in (model.graph.input, model.graph.output))
    pairs = {item.key: item.value for item in model.metadata_props}
    pairs |= as_properties(metadata, inputs, outputs)
    onnx.helper.set_model_props(model, pairs)
    model.producer_name, model.producer_version = "keras_upsample", __version__
    model.doc_string = "\n".join(as_lines(metadata))
    model.domain = "keras_upsample"
    model.model_version = _number(metadata.version)
    model.graph.name = metadata.name or "model"
    onnx.save(model, str(path))


def as_properties(
    metadata: Metadata, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> dict[str, str]:
    """The pairs: the whole, single facts in words, names of classes by number, Deepness' keys."""
    pairs = {
        "model_name": metadata.name,
        "version": metadata.version,
        "task": metadata.task,
        "author": metadata.author,
        "preprocessing": metadata.preprocessing,
        "licence": metadata.licence,
        "layout": metadata.input.layout,
        KEY: metadata.to_json(),
        **deepness(metadata, inputs, outputs),
    }
    names = class_names(metadata, outputs)
    if names is not None:
        pairs["class_names"] = json.dumps(names)
    return {key: value for key, value in pairs.items() if value}


def from_properties(pairs: Mapping[str, str]) -> Metadata | None:
    """What `as_properties` wrote, or the single facts of an earlier version; None for no fact.

    Raises:
        ValueError: it is damaged.
    """
    if KEY in pairs:
        return Metadata.from_json(pairs[KEY])
    text = pairs.get("class_names", "")
    listed: Any = [tuple(text.splitlines())]
    if text.lstrip()[:1] in ("[", "{"):
        listed = _parse_lists(text)
    if not any(listed) and "preprocessing" not in pairs:
        return None
    return Metadata(
        name=pairs.get("model_name", ""),
        version=pairs.get("version", "1"),
        inputs=(Input(layout=pairs["layout"]),) if pairs.get("layout") in ("nhwc", "nchw") else (),
        outputs=tuple(Output(class_names=names) for names in listed) if any(listed) else (),
        preprocessing=pairs.get("preprocessing", ""),
    )


def _parse_lists(text: str) -> list[tuple[str, ...]]:
    """Names in JSON: a list, or a dict by class number as Deepness and YOLO files have it; a list
    of such dicts for several outputs."""
    try:
        plain = json.loads(text)
    except json.JSONDecodeError:
        return []
    if isinstance(plain, Mapping) or not any(isinstance(item, Mapping) for item in plain):
        plain = [plain]
    return [_names(item) for item in plain]


def _names(plain: Any) -> tuple[str, ...]:
    if isinstance(plain, Mapping):
        plain = [plain[key] for key in sorted(plain, key=lambda key: (len(str(key)), str(key)))]
    return tuple(map(str, plain)) if isinstance(plain, list) else ()


def _number(version: str) -> int:
    """ONNX's number of a version: the part before the first dot."""
    found = re.fullmatch(r"v?(\d{1,18})(\.[\w.+-]*)?", version)
    return int(found[1]) if found else 0


def _tensors(values: Any) -> list[Tensor]:
    import onnx

    result = []
    for value in values:
        kind = value.type.tensor_type
        shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
        dtype = str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
        result.append(Tensor(value.name, shape, dtype))
    return result
