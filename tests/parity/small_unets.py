"""A small U-Net with each upsampler, in files of every target, for comparisons between runtimes."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from keras_upsample import data, runtimes, zoo
from keras_upsample.export import Options
from keras_upsample.export._compare import Difference
from keras_upsample.export._prepare import prepare
from keras_upsample.export._reference import Reference
from keras_upsample.formats._convert import convert
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.targets import TARGETS, Gate

SHAPE = (64, 64, 3)
SEED = 0

# Integer files may round a tie the other way in another runtime, and no more than the files
# themselves may lose.
INTEGER_GATE = Gate(min_snr_db=30.0)


def image() -> np.ndarray:
    """A photograph, in a batch of one."""
    return data.photograph("coffee", SHAPE[:2])[None] / np.float32(255)


@cache
def unet(technique: str) -> tuple[Any, np.ndarray]:
    """The model, random weights, and its own answer."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = zoo.unet(SHAPE, 3, filters=(8, 16, 32), upsample=technique)
    return model, keras.ops.convert_to_numpy(model(image(), training=False))


def file_of(technique: str, name: str, folder: Path) -> Path:
    """The file of a U-Net."""
    return written(unet(technique)[0], technique, name, folder)


def written(model: Any, label: str, name: str, folder: Path) -> Path:
    """A model's file for a target, called by a label.

    Not verified: integer files of networks with random weights may miss the exporters' gate.
    """
    target, signature = TARGETS[name], signature_of(model)
    if target.static:
        signature = signature.fixed()
    ready = prepare(program_of(model, signature), target, None, Options())
    path = folder / f"{label}_{name}{target.suffix}"
    convert(ready.program, path, target, Options(), ready.feeds)
    return path


def feeds(path: Path) -> dict[str, np.ndarray]:
    """The photograph, under the name of the file's input."""
    return {runtimes.load(path).inputs[0].name: image()}


def missed(*found: Difference | None) -> str:
    """Which gate was missed, and by what; or empty."""
    return "; ".join(f"{d.case}: {d.failure}" for d in found if d is not None and d.failure)


@cache
def gates(technique: str, name: str) -> tuple[Gate, Gate]:
    """What a runtime must reach: against the Keras model, and against the file's own runtime.

    What 8 bits lose is no matter of the runtime, but it is not all: 30 dB against the model too, if
    no maxima can move.
    """
    model, target = unet(technique)[0], TARGETS[name]
    gate = Reference(program_of(model, signature_of(model))).gate(target.gate)
    if target.calibrated:
        return Gate() if technique == "max_unpooling" else INTEGER_GATE, INTEGER_GATE
    return gate, gate
