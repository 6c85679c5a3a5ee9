"""Check that a model works at open heights and widths."""

from typing import TYPE_CHECKING, Any

from ._read import NotAGraphError

if TYPE_CHECKING:
    from ._signature import Signature


def check_open_sizes(model: Any, signature: "Signature") -> None:
    """Raise unless the model can be called with the sizes of the signature open.

    Code that asks `keras.ops.shape` for an open size is told None by a symbolic tensor, where a
    call with values would give a number, and some operations accept that None as a size.

    Raises:
        NotAGraphError: it can't be called so.
    """
    import tensorflow as tf

    if all(None not in spec.shape for spec in signature.inputs):
        return
    specs = [tf.TensorSpec(spec.shape, spec.dtype) for spec in signature.inputs]
    function = tf.function(lambda *tensors: signature.call(model, tensors))
    try:
        function.get_concrete_function(*specs)
    except Exception as error:
        raise NotAGraphError("its `call` computes with sizes that are open") from error
