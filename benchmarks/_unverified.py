"""Exported files without verification, for networks of random weights that are only timed."""

from pathlib import Path
from typing import Any


def write_file(model: Any, target: str, path: Path, **options: Any) -> None:
    """Write a file as `keras_upsample.export` would, at the model's sizes and a batch of 1.

    Args:
        model: a Keras model.
        target: name of the export target.
        path: of the file.
        **options: of `keras_upsample.export.Options`.
    """
    from keras_upsample.export import Options
    from keras_upsample.export._prepare import prepare
    from keras_upsample.formats._convert import convert
    from keras_upsample.program._program import program_of
    from keras_upsample.program._signature import signature_of
    from keras_upsample.targets import TARGETS

    chosen = Options(**options)
    program = program_of(model, signature_of(model).fixed())
    ready = prepare(program, TARGETS[target], None, chosen)
    convert(ready.program, path, TARGETS[target], chosen, ready.feeds)
