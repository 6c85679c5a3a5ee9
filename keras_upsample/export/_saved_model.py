"""Model -> SavedModel directory with one signature, `serving_default`."""

from pathlib import Path
from typing import Any

from ._inference import tensor_specs
from ._signature import Signature


def write_saved_model(model: Any, signature: Signature, path: Path) -> None:
    """Write the model's inference function and its variables.

    The signature's inputs and outputs carry the names of `signature`; open sizes stay open.
    """
    import keras

    def serve(*tensors: Any) -> dict[str, Any]:
        return signature.call(model, tensors)

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=tensor_specs(signature.inputs))
    archive.write_out(str(path), verbose=False)
