"""A model's metadata with the names, sizes and dtypes of one exported file."""

from collections.abc import Sequence
from dataclasses import replace

from ..metadata import Input, Metadata, Output
from ..program._signature import Signature


def facts_of_file(
    metadata: Metadata, signature: Signature, layout: str, *, integers: bool
) -> Metadata:
    """The model's metadata with the names, sizes, dtypes and layout of one file's inputs.

    Args:
        metadata: metadata of the model.
        signature: signature of the file.
        layout: layout of the file's tensors, `"nhwc"` or `"nchw"`.
        integers: whether the file takes real numbers as scaled integers.
    """
    known = {item.name: item for item in metadata.inputs}
    inputs = []
    for spec in signature.inputs:
        item = known.get(spec.name, metadata.input if len(signature.inputs) == 1 else Input())
        height, width = spec.shape[1:3] if len(spec.shape) == 4 else (None, None)
        dtype = "int8" if integers and spec.dtype == "float32" else spec.dtype
        inputs.append(
            replace(item, name=spec.name, size=(height, width), dtype=dtype, layout=layout)
        )
    return replace(metadata, inputs=tuple(inputs))


def with_outputs(metadata: Metadata, names: Sequence[str]) -> Metadata:
    """The metadata with the names of a file's outputs in the model's order.

    A single output needs no name. Several outputs are matched by name, else by position.
    """
    if len(names) < 2:
        return metadata
    known = {item.name: item for item in metadata.outputs if item.name}
    places = list(metadata.outputs) if not known else []
    outputs = [
        # where an input has the name too, an ONNX file has "mask_output" for "mask"
        known.get(name)
        or known.get(name.removesuffix("_output"))
        or (places[i] if i < len(places) else Output())
        for i, name in enumerate(names)
    ]
    named = (replace(item, name=name) for item, name in zip(outputs, names, strict=True))
    return replace(metadata, outputs=tuple(named))
