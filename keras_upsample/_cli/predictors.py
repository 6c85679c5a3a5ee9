"""MODEL on the command line -> a predictor."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from ..predict import Predictor


def open_predictor(
    model: str,
    console: "Console",
    imports: Sequence[str] | None,
    *,
    trust: bool,
    **options: Any,
) -> tuple[Any, "Predictor"]:
    """The model as loaded, or its name, and its predictor; prints what was read and assumed.

    Args:
        model: a preset, a file or a SavedModel folder.
        console: for the lines on what was read off the graph and what was assumed.
        imports: modules that register custom classes of a Keras file.
        trust: as for `keras_upsample.predict.load_model`.
        options: further arguments of `load_model`.
    """
    from .._keras_file import load_keras_file
    from .._keras_first_read import SUFFIXES
    from ..predict import load_model

    source: Any = model
    if model.endswith(SUFFIXES) and Path(model).exists():
        source = load_keras_file(Path(model), imports or (), trust=trust)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the lines below say the same
        predictor = load_model(source, trust=trust, **options)
    for line in (*predictor.taken, *predictor.assumed):
        console.print(line, style="yellow")
    return source, predictor
