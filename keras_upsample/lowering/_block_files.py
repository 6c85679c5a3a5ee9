"""One form of a block as a file of a target, to be timed."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..program._graph import Graph
from ._blocks import block_model
from ._rewrite import Rewrite

if TYPE_CHECKING:
    from ..program._signature import Signature
    from ..targets import Target


def write_block(proposal: Rewrite, graph: Graph, form: str, target: "Target", path: Path) -> None:
    """Convert a block in one of its forms; the file is not verified.

    Args:
        proposal: the block, of known sizes.
        graph: the graph that holds it.
        form: the form, or `KEEP`.
        target: the target of the file.
        path: path of the file.

    Raises:
        Exception: the target can't have this form.
    """
    from ..formats._convert import FileOptions, convert
    from ..program._program import program_of
    from ..program._signature import signature_to_run

    model = block_model(proposal, graph, form, pooled=target.own_layout)
    # Inside a graph the tensors lie as the runtime likes them.
    layout = "nchw" if target.graph == "onnx" else "nhwc"
    program = program_of(model, signature_to_run(model).fixed())
    feeds = list(_noise(program.signature)) if target.calibrated else None
    convert(program, path, target, FileOptions(layout=layout), feeds)


def _noise(signature: "Signature") -> Iterator[dict[str, np.ndarray]]:
    """Noise for calibration; any will do, because times do not depend on the ranges."""
    rng = np.random.default_rng(0)
    shapes = {spec.name: [size or 1 for size in spec.shape] for spec in signature.inputs}
    for _ in range(2):
        yield {name: rng.random(shape).astype("float32") for name, shape in shapes.items()}
