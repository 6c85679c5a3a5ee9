"""Model files to push, small and quickly made."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from keras_upsample.metadata import Input, Metadata, Output, Scaling

FACTS = Metadata(
    "rivers",
    task="segmentation",
    licence="CC0-1.0",
    inputs=(Input("image", (None, 64), ("red", "green"), scaling=Scaling.to_range(-1, 1)),),
    outputs=(Output("scores", "logits", ("land", "water")),),
)


def onnx_file(path: Path, metadata: Metadata | None = FACTS) -> Path:
    """An identity with values of its own in another file, as large ONNX files have them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = numpy_helper.from_array(np.arange(300, dtype="float32"), "values")
    of = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [300]) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "values"], ["y"])], "net", of[:1], of[1:], [values]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    if metadata is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = "keras_upsample_metadata", metadata.to_json()
    onnx.save(
        model, path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=0
    )
    return path


def saved_model(folder: Path) -> Path:
    """The files of a SavedModel, for the hub does not look into them, and one of another kind."""
    for name in ("saved_model.pb", "variables/variables.index", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "saved_model.pb").write_bytes(b"")
    return folder
