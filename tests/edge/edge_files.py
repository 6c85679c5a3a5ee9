"""Small TFLite files for the tests, made by the converter."""

from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_upsample.export import Options
from keras_upsample.formats._convert import convert
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.targets import TARGETS

SIZE = (16, 16, 3)


def net(*stack: Any, size: tuple[int, ...] = SIZE) -> Any:
    """A model of these layers, one after the other."""
    keras.utils.set_random_seed(1)
    x = image = keras.Input(size, name="image")
    for layer in stack:
        x = layer(x)
    return keras.Model(image, x, name="net")


def content(model: Any, target: str, integer_io: bool = False) -> bytes:
    """The file of a model, converted without lowering or verification."""
    import tempfile

    rng = np.random.default_rng(0)
    signature = signature_of(model).fixed()
    feeds = [{s.name: rng.random(s.shape, "float32") for s in signature.inputs} for _ in range(8)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.tflite"
        program, options = program_of(model, signature), Options(integer_io=integer_io)
        convert(program, path, TARGETS[target], options, feeds)
        return path.read_bytes()


@cache
def small(target: str = "tflite_int8", integer_io: bool = True) -> bytes:
    """A convolution, a pool, a transposed convolution, a shuffle and a 1x1, in 8 bits."""
    from keras_upsample.layers import PixelShuffle2D

    stack = [
        layers.Conv2D(8, 3, padding="same", activation="relu", name="first"),
        layers.MaxPooling2D(2, name="pool"),
        layers.Conv2DTranspose(8, 2, 2, name="up"),
        PixelShuffle2D(2, name="shuffle"),
        layers.Conv2D(2, 1, name="scores"),
    ]
    return content(net(*stack), target, integer_io)
