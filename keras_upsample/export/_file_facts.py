"""What the metadata of a file says of the file's own inputs."""

from dataclasses import replace

from ..metadata import Input, Metadata
from ._signature import Signature


def facts_of_file(
    metadata: Metadata, signature: Signature, layout: str, *, integers: bool
) -> Metadata:
    """The model's metadata with the names, sizes, dtypes and layout of one file's inputs.

    Args:
        metadata: of the model.
        signature: of the file.
        layout: of its tensors, `"nhwc"` or `"nchw"`.
        integers: whether it takes real numbers as scaled integers.
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
