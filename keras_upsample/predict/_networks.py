"""A Keras model or a loaded artefact -> one image in, one image-like tensor out."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..metadata import Metadata
from ..metadata._onnx import from_properties
from ..runtimes import Runner
from ._stride import LIKELY_STRIDE, stride_of
from ._valid import Margin

_TRACING = threading.Lock()
"""Layers are changed while a model is traced, which two threads can't do at a time."""


@dataclass(frozen=True)
class Network:
    """What tiling needs to know of a network, whatever runs it.

    Attributes:
        run: (H, W, C) float32 -> (H', W', K) float32.
        name: for messages.
        channels: of its input, None if it takes any number.
        size: height and width of its input, None where it takes any.
        output: the name of its output.
        stride: what origins of tiles must be multiples of; asked for only where there are tiles.
        class_names: as the model or the file names them, or empty.
        preprocessing: as the model or the file describes its input, or "".
        margin: what the output loses where convolutions have no padding; None for nothing.
    """

    run: Callable[[np.ndarray], np.ndarray]
    name: str
    channels: int | None
    size: tuple[int | None, int | None]
    output: str
    stride: Callable[[], int] = lambda: LIKELY_STRIDE
    class_names: tuple[str, ...] = ()
    preprocessing: str = ""
    margin: Margin | None = None


def of_keras(model: Any) -> Network:
    """A Keras model as a compiled function in inference mode, computing in float32.

    Raises:
        RuntimeError: Keras runs on another backend than TensorFlow.
        ValueError: the model's input is not one image of float values, or it has several outputs.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "Prediction with a Keras model needs Keras on its TensorFlow backend. Received: "
            f"{keras.backend.backend()!r}. Set the environment variable KERAS_BACKEND, or export "
            "the model and predict with the file."
        )
    from ..export._inference import inference_function, inference_in
    from ..export._signature import signature_of
    from ..export._stock_layers import stock_layers_replaced

    signature = signature_of(model)
    infer = inference_function(model, signature)
    with (
        _TRACING,
        inference_in(model),
        stock_layers_replaced(model),
    ):  # it is traced here, and only here
        outputs = tuple(infer.get_concrete_function().structured_outputs)
    shape = _only_image(
        model.name, [(spec.name, spec.shape, spec.dtype) for spec in signature.inputs]
    )
    output = _only_output(model.name, outputs)
    batch, height, width, channels = shape

    def run(image: np.ndarray) -> np.ndarray:
        return infer(_batch_of(image, batch))[output].numpy()[0]

    return Network(
        run,
        model.name,
        channels,
        (height, width),
        output,
        lambda: stride_of(model, channels or 3),
        Metadata.of(model).class_names,
        Metadata.of(model).preprocessing,
    )


def of_runner(runner: Runner, name: str) -> Network:
    """A loaded artefact, in whatever layout it is.

    Raises:
        ValueError: its input is not one image of float values, or it has several outputs.
    """
    shape = _only_image(name, [(info.name, info.shape, str(info.dtype)) for info in runner.inputs])
    output = _only_output(name, tuple(info.name for info in runner.outputs))
    planar = runner.layout == "nchw"
    batch, height, width, channels = (shape[i] for i in ((0, 2, 3, 1) if planar else range(4)))
    given = runner.inputs[0]

    def run(image: np.ndarray) -> np.ndarray:
        feed = _batch_of(image, batch).astype(given.dtype, copy=False)
        if planar:
            feed = np.ascontiguousarray(feed.transpose(0, 3, 1, 2))
        result = runner({given.name: feed})[output][0]
        return result.transpose(1, 2, 0) if planar else result

    facts = from_properties(getattr(runner, "metadata", {})) or Metadata()
    return Network(
        run,
        name,
        channels,
        (height, width),
        output,
        class_names=facts.class_names,
        preprocessing=facts.preprocessing,
    )


def _batch_of(image: np.ndarray, batch: int | None) -> np.ndarray:
    """(H, W, C) -> (1, H, W, C), or as many copies as a file of a fixed batch insists on."""
    return np.repeat(image[None], batch or 1, axis=0)


def _only_image(
    name: str, inputs: list[tuple[str, tuple[int | None, ...], str]]
) -> tuple[int | None, ...]:
    """The shape of the only input."""
    if len(inputs) != 1 or len(inputs[0][1]) != 4 or "float" not in inputs[0][2]:
        listed = ", ".join(f"{label} {shape} {dtype}" for label, shape, dtype in inputs)
        raise ValueError(
            f"{name!r} can't be shown pictures: prediction is for models with one input of "
            f"float values and 4 axes (batch, height, width, channels). It takes: {listed}."
        )
    return inputs[0][1]


def _only_output(name: str, outputs: tuple[str, ...]) -> str:
    if len(outputs) != 1:
        raise ValueError(
            f"{name!r} has {len(outputs)} outputs ({', '.join(outputs)}); prediction is for models "
            "with one. Cut the others off: keras.Model(model.input, model.output[0])."
        )
    return outputs[0]
