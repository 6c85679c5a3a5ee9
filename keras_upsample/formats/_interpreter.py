"""Small things about TFLite interpreters."""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def quiet_interpreter() -> Iterator[None]:
    """The converter calibrates by an interpreter of TensorFlow's that warns of itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(?s).*tf\.lite\.Interpreter is deprecated")
        yield


def inputs_in_order(
    interpreter: Any, feed: Mapping[str, np.ndarray]
) -> list[tuple[dict[str, Any], str]]:
    """The interpreter's inputs, each with the name that the feed has for it."""
    details = interpreter.get_input_details()
    by_tensor = {f"serving_default_{name}:0": name for name in feed}
    return [(detail, by_tensor[detail["name"]]) for detail in details]


def interpreter_that_keeps(content: bytes) -> Any:
    """TensorFlow's interpreter of a file, in which every tensor has memory of its own."""
    import tensorflow as tf

    # A delegate would keep to itself what it computes on the way.
    plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tf.lite.Interpreter(
        model_content=content,
        num_threads=os.cpu_count(),
        experimental_op_resolver_type=plain,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    return interpreter
