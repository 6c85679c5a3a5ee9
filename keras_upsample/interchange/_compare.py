"""A model that was read beside its file, in the runtime that the file is for."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._text import printable
from ..errors import ArtefactError
from ._agreement import check_agreement


def compare_with_file(
    model: Any, runner: Any, shapes: Mapping[str, tuple[int, ...]], path: Path
) -> None:
    """Run both on noise around 0.5, and on a photograph in [0, 1] where there is one input of
    images with 1 or 3 channels.

    An error counts in shares of the range that an output has over all of these: on noise alone, a
    segmenter may find nothing, and the range is that of rounding.

    Args:
        model: of the file; inputs and outputs in the file's order, axes as the file has them.
        runner: the file in its runtime.
        shapes: input -> its lengths, the batch included.
        path: of the file, for messages.

    Raises:
        ArtefactError: the runtime knows other numbers of inputs or outputs; in files whose
            signature is damaged.
        VerificationError: they differ by more than 5e-5 of an output's range.
    """
    _check_number(len(shapes), len(runner.inputs), "inputs", runner, path)
    _check_number(len(model.output_names), len(runner.outputs), "outputs", runner, path)
    names = [info.name for info in runner.inputs]
    found, wanted = [], []
    for given in _inputs([*shapes.values()]):
        wanted.append(list(runner(dict(zip(names, given, strict=True))).values()))
        found.append(outputs_of(model, given))
    for place, label in enumerate(model.output_names):
        theirs = [case[place] for case in wanted]
        reach = max(float(np.ptp(values)) for values in theirs) or 1.0
        for ours, values in zip((case[place] for case in found), theirs, strict=True):
            check_agreement(
                f"`{printable(path)}`: the output {label!r}", runner.runtime, ours, values, reach
            )


def _check_number(read: int, known: int, kind: str, runner: Any, path: Path) -> None:
    if read != known:
        raise ArtefactError(
            f"The graph of `{printable(path)}` has {read} {kind}, and {runner.runtime} finds "
            f"{known} by its signature. The file is damaged: convert the model again."
        )


def outputs_of(model: Any, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What a model makes of its inputs at inference, in the order of its outputs."""
    import keras

    outputs = model(given if len(given) > 1 else given[0], training=False)
    return [keras.ops.convert_to_numpy(value) for value in keras.tree.flatten(outputs)]


def _inputs(shapes: Sequence[tuple[int, ...]]) -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(0)
    yield [rng.normal(0.5, 0.5, shape).astype("float32") for shape in shapes]
    if len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][3] in (1, 3):
        from ..data import photograph

        count, height, width, channels = shapes[0]
        picture = photograph("astronaut", (height, width)).astype("float32") / 255
        picture = picture if channels == 3 else picture.mean(-1, keepdims=True)
        yield [np.repeat(picture[None], count, axis=0)]
