"""Model -> SavedModel directory with one signature, `serving_default`."""

from pathlib import Path
from typing import Any

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
    concrete = function.get_concrete_function()
    module = tf.Module()
    module.model_weights = list(concrete.graph.variables)
    module.serve = function
    with plain_path(path) as plain:
        try:
            tf.saved_model.save(module, str(plain), signatures={"serving_default": concrete})
        except AssertionError:
            # It holds other resources than variables (lookup tables): let it be tracked whole.
            module.model = model
            tf.saved_model.save(module, str(plain), signatures={"serving_default": concrete})
    return list(concrete.structured_outputs)
