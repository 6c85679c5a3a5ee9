"""The inputs of TFLite interpreters."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def inputs_in_order(
    interpreter: Any, feed: Mapping[str, np.ndarray]
) -> list[tuple[dict[str, Any], str]]:
    """The interpreter's inputs, each with the name that the feed has for it."""
    details = interpreter.get_input_details()
    by_tensor = {f"serving_default_{name}:0": name for name in feed}
    return [(detail, by_tensor[detail["name"]]) for detail in details]
