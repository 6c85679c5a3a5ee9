"""Model -> SavedModel directory with one signature, `serving_default`."""

import shutil
from pathlib import Path
from typing import Any

from .._others._tensorflow import traced_for_saving
from ..files._durable import open_all
from ..files._plain_path import plain_path
from ..program._inference import inference_function
from ..program._signature import Signature


def write_saved_model(model: Any, signature: Signature, path: Path) -> list[str]:
    """Write the model's inference function and the weights that it reads.

    The signature's inputs and outputs carry the names of `signature`; open sizes stay open. A
    signature of TensorFlow's has names and no order; those of the outputs are returned in the
    model's order, for the metadata to hold.
    `keras.export.ExportArchive` would store each weight twice, once as Keras' variable and once as
    TensorFlow's; here the traced function says which variables it needs.
    """
    import tensorflow as tf

    function = inference_function(model, signature)
    concrete = traced_for_saving(function)
    module = tf.Module()
    module.model_weights = list(concrete.graph.variables)
    module.serve = function
    with plain_path(path) as plain:
        try:
            _save(module, plain, concrete)
        except AssertionError:
            # It holds other resources than variables (lookup tables): let it be tracked whole.
            module.model = model
            _save(module, plain, concrete)
    return list(concrete.structured_outputs)


def _save(module: Any, folder: Path, concrete: Any) -> None:
    """
    Raises:
        OSError: the disk can't take it, where TensorFlow itself gives no reason or says nothing.
    """
    import tensorflow as tf

    def save() -> None:
        tf.saved_model.save(module, str(folder), signatures={"serving_default": concrete})

    try:
        save()
    except ValueError as error:
        # For statistics of its own it reads the fingerprints that it has just written.
        if "fingerprint" not in str(error):
            raise
        open_all(folder)
        save()
    # A part that it could not delete is no error to it.
    parts = folder / "variables" / "variables_temp"
    if parts.exists():
        shutil.rmtree(parts)
