"""Input and output order of a TFLite file, as in the model.

The converter sorts both by name. A program that reads output 0 of the file means the model's.
"""

from collections.abc import Sequence
from typing import Any

from .._others import _tf_lite
from .._others._litert import table_of

_TENSOR_MAPS = {"inputs": 4, "outputs": 6}  # fields of a SignatureDef, by their place in its vtable


def in_order(content: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """The file with the inputs and outputs of its graph and of its signature in this order.

    Nothing is added or moved: places are swapped inside the two vectors of the graph, which hold
    numbers of tensors, and those of the signature, which hold offsets to names and numbers.

    Args:
        content: of a file with one graph and one signature.
        inputs, outputs: names of the signature.
    """
    schema = _tf_lite.schema()
    changed = bytearray(content)
    model = schema.Model.GetRootAs(changed, 0)
    if model.SubgraphsLength() == 0 or model.SignatureDefsLength() != 1:
        return content
    graph, signature = model.Subgraphs(0), model.SignatureDefs(0)
    for kind, names in (("inputs", inputs), ("outputs", outputs)):
        _reorder(changed, graph, signature, kind, names)
    return bytes(changed)


def _reorder(
    content: bytearray, graph: Any, signature: Any, kind: str, names: Sequence[str]
) -> None:
    item, length = (getattr(signature, f"{kind.capitalize()}{end}") for end in ("", "Length"))
    maps = [item(i) for i in range(length())]
    by_name = {each.Name().decode(): each for each in maps}
    places = getattr(graph, f"{kind.capitalize()}AsNumpy")()  # a view of the content
    wanted = [name for name in names if name in by_name]
    if len(wanted) != len(maps) or len(places) != len(maps):
        return  # the converter left an input out, or merged two outputs
    places[:] = [by_name[name].TensorIndex() for name in wanted]
    table = table_of(signature)
    start = table.Vector(table.Offset(_TENSOR_MAPS[kind]))
    for i, name in enumerate(wanted):
        place = start + 4 * i
        # unsigned: tables stand behind what refers to them
        offset = table_of(by_name[name]).Pos - place
        content[place : place + 4] = offset.to_bytes(4, "little")
