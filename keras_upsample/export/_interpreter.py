"""Small things about TFLite interpreters."""

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
