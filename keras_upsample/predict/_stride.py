"""The stride of a network: the shift of its input that keeps pooling windows aligned."""

import math
from typing import Any

LIKELY_STRIDE = 32
"""What is assumed of a file, and at least of any model: a multiple of 1, 2, 4, 8, 16 and 32."""

_SIZE = 960
"""2⁶ · 3 · 5: a multiple of every stride that is in use."""


def stride_of(model: Any, channels: int) -> int:
    """The least common multiple of a Keras model's strides and 32.

    The graph is traced (not run) at 960x960 pixels: a tensor of 120x120 is at stride 8. Sizes that
    do not divide 960, e.g. in networks that pad by themselves, are ignored; 32 is used for them. It
    is also used for a model of a fixed size, or one that can't be traced at 960.
    """
    # A subclassed model has no graph before it is called.
    if not getattr(model, "inputs", None) or None not in model.inputs[0].shape[1:3]:
        return LIKELY_STRIDE
    from ..zoo._cost import operations_at

    sizes = set()
    try:
        operations = list(operations_at(model, (_SIZE, _SIZE, channels)))
    except Exception:  # Keras' and TensorFlow's, of any kind
        return LIKELY_STRIDE
    for operation in operations:
        for tensor in operation.outputs:
            shape = tensor.shape.as_list() if tensor.shape.rank == 4 else [None]
            # One image, square as the input is: no kernel looks like that.
            if shape[0] == 1 and shape[1] == shape[2]:
                sizes.add(shape[1])
    # Below 5 pixels (a stride above 192) it is a global pooling, which has no grid.
    strides = [_SIZE // n for n in sizes if n and 5 <= n <= _SIZE and _SIZE % n == 0]
    return math.lcm(LIKELY_STRIDE, *strides)
