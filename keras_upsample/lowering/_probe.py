"""What flows through a graph when it is shown images."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._assemble import model_of
from ._graph import Graph, Tensor

if TYPE_CHECKING:
    from ..export._signature import Signature

IMAGES = 16
"""How many are shown at most."""


def seen(
    graph: Graph,
    tensors: Sequence[Tensor],
    signature: "Signature",
    feeds: Sequence[Mapping[str, np.ndarray]],
) -> Iterator[list[np.ndarray]]:
    """Yield the values of some tensors, image by image."""
    from keras import ops, tree

    names = [spec.name for spec in signature.inputs]
    tensors = list(tensors)
    probe = model_of(Graph(graph.inputs, tensors), names, tensors, names, "probe")
    for feed in feeds[:IMAGES]:
        values = tree.flatten(probe([feed[name] for name in names]))
        yield [ops.convert_to_numpy(value) for value in values]
