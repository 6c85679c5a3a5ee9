"""SavedModel directories, run by TensorFlow."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._text import printable
from ..errors import ArtefactError
from ..files._plain_path import plain_path
from ..metadata import Metadata
from ..metadata._saved_model import read_saved_model
from ._forks import check_fork
from ._runner import TensorInfo, load_errors


class SavedModelRunner:
    """Runs `serving_default`, or the only signature, of a SavedModel. Keras is not needed.

    Attributes:
        function: the signature as a TensorFlow function.
    """

    layout = "nhwc"
    layout_known = True

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        check_fork()
        self.path = path
        self.runtime = f"TensorFlow {tf.__version__}"
        with load_errors(path, self.runtime), plain_path(path) as plain:
            self._loaded = tf.saved_model.load(str(plain))
        self.function = _choose_signature(path, signatures_of(self._loaded))
        _, keywords = self.function.structured_input_signature
        facts = _facts(path)
        inputs = [item.name for item in facts.inputs]
        outputs = [item.name for item in facts.outputs]
        self.ordered = set(outputs) == set(self.function.structured_outputs)
        self.inputs = _in_order(keywords, inputs)
        self.outputs = _in_order(self.function.structured_outputs, outputs)

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        import tensorflow as tf

        check_fork()
        results = self.function(**{name: tf.constant(array) for name, array in feeds.items()})
        return {info.name: results[info.name].numpy() for info in self.outputs}

    def operator_counts(self) -> dict[str, int]:
        """Operators of the signature and of every function that it calls."""
        definition = self.function.graph.as_graph_def()
        counts = Counter(node.op for node in definition.node)
        for function in definition.library.function:
            counts.update(node.op for node in function.node_def)
        return dict(counts)


def signatures_of(loaded: Any) -> dict[str, Any]:
    """The signatures of a loaded SavedModel: in a damaged one any object may stand for them."""
    found = getattr(loaded, "signatures", None)
    if not isinstance(found, Mapping):
        return {}
    return {name: f for name, f in found.items() if hasattr(f, "structured_input_signature")}


def _choose_signature(path: Path, signatures: Mapping[str, Any]) -> Any:
    names = list(signatures)
    if "serving_default" in names or len(names) == 1:
        return signatures["serving_default" if "serving_default" in names else names[0]]
    if not names:
        raise ArtefactError(
            f"`{printable(path)}` has no signature, so that nothing says what goes in. Write it "
            "with one: model.export(folder), or tf.saved_model.save(..., signatures=...)."
        )
    raise ArtefactError(
        f"`{printable(path)}` has several signatures, {', '.join(names)}, and none is called "
        f"'serving_default'. Export one of them and use that file: keras-upsample export {path} "
        f"--signature {names[0]} ..."
    )


def _facts(path: Path) -> Metadata:
    try:
        return read_saved_model(path) or Metadata()
    except ValueError:  # damaged: the network itself is not
        return Metadata()


def _in_order(specs: Mapping[str, object], names: Sequence[str]) -> tuple[TensorInfo, ...]:
    """Order outputs by the metadata, else output_2 before output_10: signatures have no order."""
    place = {name: i for i, name in enumerate(names)}

    def key(name: str) -> tuple[int, list[tuple[bool, int, str]]]:
        parts = [(not part.isdigit(), int(part) if part.isdigit() else 0, part)
                 for part in re.split(r"(\d+)", name)]  # fmt: skip
        return place.get(name, len(place)), parts

    return tuple(_info(name, specs[name]) for name in sorted(specs, key=key))


def _info(name: str, spec: object) -> TensorInfo:
    dims = spec.shape.as_list()  # type: ignore[attr-defined]
    return TensorInfo(name, tuple(dims), np.dtype(spec.dtype.as_numpy_dtype))  # type: ignore[attr-defined]
