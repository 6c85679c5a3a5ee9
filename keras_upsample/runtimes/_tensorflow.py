"""SavedModel directories, run by TensorFlow."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ._runner import TensorInfo, loading


class SavedModelRunner:
    """Runs the `serving_default` signature of a SavedModel directory (Keras is not needed)."""

    layout = "nhwc"
    layout_known = True

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        self.path = path
        self.runtime = f"TensorFlow {tf.__version__}"
        with loading(path, self.runtime):
            self._loaded = tf.saved_model.load(str(path))
            self._function = self._loaded.signatures["serving_default"]
        _, keywords = self._function.structured_input_signature
        self.inputs = tuple(_info(name, spec) for name, spec in keywords.items())
        self.outputs = tuple(
            _info(name, spec) for name, spec in self._function.structured_outputs.items()
        )

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        import tensorflow as tf

        results = self._function(**{name: tf.constant(array) for name, array in feeds.items()})
        return {name: tensor.numpy() for name, tensor in results.items()}

    def operator_counts(self) -> dict[str, int]:
        """Operators of the signature and of every function that it calls."""
        definition = self._function.graph.as_graph_def()
        counts = Counter(node.op for node in definition.node)
        for function in definition.library.function:
            counts.update(node.op for node in function.node_def)
        return dict(counts)


def _info(name: str, spec: object) -> TensorInfo:
    dims = spec.shape.as_list()  # type: ignore[attr-defined]
    return TensorInfo(name, tuple(dims), np.dtype(spec.dtype.as_numpy_dtype))  # type: ignore[attr-defined]
