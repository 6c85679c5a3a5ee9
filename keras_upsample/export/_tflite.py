"""Model -> TFLite file."""

import re
import tempfile
from pathlib import Path
from typing import Any

from ..errors import ExportError
from ._saved_model import write_saved_model
from ._signature import Signature


def write_tflite(
    model: Any, signature: Signature, path: Path, *, precision: str, allow_flex: bool
) -> None:
    """Convert through a SavedModel with a static signature.

    The converter's other entrances (`from_keras_model`, `from_concrete_functions`) leave the
    variables of a Keras 3 model uninitialised in quantised files.

    Raises:
        ExportError: an operator has no TFLite built-in and `allow_flex` is false, or the converter
            gave up for another reason.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(model, signature, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        allowed = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if allow_flex:
            allowed.append(tf.lite.OpsSet.SELECT_TF_OPS)
        converter.target_spec.supported_ops = allowed
        try:
            content = converter.convert()
        except Exception as error:  # ConverterError, and whatever the tracer raises
            raise ExportError(_explain(str(error))) from error
    path.write_bytes(content)


def _explain(message: str) -> str:
    flex = re.search(r"(?:Flex|TF Select) ops: ([^\n]+)", message)
    custom = re.search(r"Custom ops: ([^\n]+)", message)
    ours = "Use a layer of keras_upsample in place of the one that needs it"
    if flex:
        return (
            f"TFLite has no built-in operator for {flex.group(1).strip()}. {ours}, or pass "
            "allow_flex=True for a file that runs only where TensorFlow's Select-TF operators are "
            "linked in."
        )
    if custom:
        return f"TFLite has no operator for {custom.group(1).strip()}. {ours}."
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    return f"The TFLite converter failed: {lines[0] if lines else 'without a message'}"
