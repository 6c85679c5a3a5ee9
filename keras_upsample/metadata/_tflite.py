"""`Metadata` in a TFLite file: standard TFLite Metadata, and the whole as JSON.

The JSON is in the file twice: as an associated file, which any program that reads zip archives can
take out, and as an entry of the file's own table of metadata, which compilers for accelerators
keep.
"""

from pathlib import Path
from typing import Any

from .._others import _litert
from ._facts import Metadata
from ._tflite_file import add_entries, entry, map_file
from ._tflite_schema import ENTRY
from ._tflite_standard import Place, standard

WHOLE_ENTRY = "KERAS_UPSAMPLE_METADATA"
"""Name of the entry that holds the JSON."""


def write_tflite(path: Path, metadata: Metadata) -> None:
    """Put the metadata into a `.tflite` file; everything else in it stays as it is."""
    inputs, outputs = places(path)
    content, files = standard(metadata, inputs, outputs)
    whole = metadata.to_json().encode()
    add_entries(path, {ENTRY: content, WHOLE_ENTRY: whole}, files)


def read_tflite(path: Path) -> Metadata | None:
    """What was written into a file; None where nothing was.

    Raises:
        ValueError: it is damaged.
    """
    with map_file(path) as content:
        found = entry(content, WHOLE_ENTRY)
    return Metadata.from_json(found) if found is not None else None


def places(path: Path) -> tuple[list[Place], list[Place]]:
    """The inputs and outputs of a file, in its own order, by their names in its signature."""
    schema = _litert.schema()
    with map_file(path) as content:
        model = schema.Model.GetRootAs(content, 0)
        graph = model.Subgraphs(0)
        names = _signature_names(model)
        return (
            [_place(graph, graph.Inputs(i), names) for i in range(graph.InputsLength())],
            [_place(graph, graph.Outputs(i), names) for i in range(graph.OutputsLength())],
        )


def _signature_names(model: Any) -> dict[int, str]:
    """Tensor -> its name in the first signature of the first subgraph."""
    for number in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(number)
        if signature.SubgraphIndex() != 0:
            continue
        ends = [signature.Inputs(i) for i in range(signature.InputsLength())]
        ends += [signature.Outputs(i) for i in range(signature.OutputsLength())]
        return {end.TensorIndex(): (end.Name() or b"").decode() for end in ends}
    return {}


def _place(graph: Any, index: int, names: dict[int, str]) -> Place:
    schema = _litert.schema()
    tensor = graph.Tensors(index)
    kinds = {number: name.lower() for name, number in vars(schema.TensorType).items()}
    return Place(
        names.get(index) or (tensor.Name() or b"").decode(),
        tuple(tensor.Shape(i) for i in range(tensor.ShapeLength())),
        kinds.get(tensor.Type(), ""),
    )
