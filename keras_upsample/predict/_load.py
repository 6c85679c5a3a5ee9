"""Whatever names a model -> a `Predictor`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .._keras_file import SUFFIXES, load_keras_file
from ..errors import ArtefactError, did_you_mean, first_line
from ._networks import Network, of_keras, of_runner
from ._predictor import Predictor
from ._scaling import check_normalization
from ._valid import fixed_margin, margin_of

_PROBE = 64
"""Pixels of the noise that an open network is tried on."""

_ALLOWED = "a .keras, .h5, .tflite or .onnx file, or a SavedModel folder"


def load_model(
    source: Any,
    *,
    classes: Sequence[str] | None = None,
    normalization: str | None = None,
    stride: int | None = None,
    threads: int | None = None,
    trust: bool = False,
) -> Predictor:
    """Make a model ready for `predict`.

    It is run once, on noise: whether its output is larger than its input, and whether that is
    probabilities or scores, is seen, not assumed. An output called `logits` or `probabilities` is
    what its name says. An output that is larger than the input, and has as many channels (1 or 3),
    is a picture; any other is scores of classes.

    Args:
        source: a `keras.Model`, the name of a preset (`"unet:cells"`), a `.keras` or `.h5` file, a
            `.tflite` or `.onnx` file, a SavedModel folder, or what `runtimes.load` gives.
        classes: names of the classes; default those that the preset, the model (`class_names`) or
            the ONNX file has, else none.
        normalization: `"full_range"` (integers divided by the largest of their dtype, floats
            left), `"percentiles"` (percentile 1 to 0 and 99.8 to 1, by channel), or `"none"`.
            Default: `"percentiles"` where the `preprocessing` of the preset, the model or the
            ONNX file says that word; else `"full_range"`.
        stride: the network's. Default: found in the graph of a Keras model, and a multiple of 32;
            32 for files.
        threads: processor threads, for `.tflite` and `.onnx` files.
        trust: whether you know where a file comes from, so that Python code (Lambda layers) and
            operators that read and write files may run; see SECURITY.md.

    Raises:
        ArtefactError: there is no such preset or file, or it can't be loaded.
        FetchError: the weights of a preset can't be had.
        TypeError: `source` is nothing of that.
        ValueError: the model is not one image in, one image or map of scores out; or an argument
            does not fit it.
        RuntimeError: a Keras model, and Keras runs on another backend than TensorFlow.

    Example:
        >>> model = load_model("build/unet.onnx", classes=["background", "cell"])  # doctest: +SKIP
    """
    if isinstance(source, Predictor):
        predictor = source
    else:
        network, facts = _network(source, threads, trust)
        predictor = _probed(network, facts)
    if normalization is not None:
        check_normalization(normalization)
        predictor = replace(predictor, normalization=normalization)
    if classes is not None:
        predictor = replace(predictor, classes=tuple(classes))
    count = predictor.class_count
    if predictor.classes and len(predictor.classes) != count:
        raise ValueError(
            f"`classes` must name the {count} classes of {predictor.network.name!r}. Received "
            f"{len(predictor.classes)}: {', '.join(predictor.classes)}."
        )
    if stride is not None:
        if isinstance(stride, bool) or not isinstance(stride, int) or stride < 1:
            raise ValueError(
                f"`stride` must be a whole number of pixels >= 1. Received: {stride!r}."
            )
        network = replace(predictor.network, stride=lambda: stride)
        predictor = replace(predictor, network=network)
    return predictor


@dataclass(frozen=True)
class _Facts:
    """What a preset knows and a file can't say."""

    classes: tuple[str, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()


def _network(source: Any, threads: int | None, trust: bool) -> tuple[Network, _Facts]:
    if not isinstance(source, str | Path):
        if hasattr(source, "operator_counts"):
            return of_runner(source, source.runtime), _Facts()
        import keras

        if not isinstance(source, keras.Model):
            raise TypeError(
                f"`model` must be a keras.Model or the name of a preset or file. Received: "
                f"{type(source).__name__}."
            )
        return of_keras(source), _Facts()
    path = Path(source)
    if not path.exists():
        return _preset(str(source))
    if path.suffix in SUFFIXES:
        return of_keras(load_keras_file(path, trust=trust)), _Facts()
    if path.suffix not in (".tflite", ".onnx") and not (path / "saved_model.pb").is_file():
        what = "a folder without saved_model.pb" if path.is_dir() else "a file of another kind"
        raise ArtefactError(f"`{path}` is {what}. Allowed: {_ALLOWED}.")
    from ..runtimes import load

    return of_runner(load(path, threads=threads, trust=trust), path.name), _Facts()


def _preset(name: str) -> tuple[Network, _Facts]:
    from .. import zoo

    if name not in zoo.PRESETS:
        hint = did_you_mean(name, zoo.PRESETS)
        raise ArtefactError(
            f"{name!r} is neither a preset ({', '.join(zoo.PRESETS)}) nor a file or folder that "
            f"exists. Allowed files: {_ALLOWED}.{hint}"
        )
    preset = zoo.PRESETS[name]
    model = getattr(zoo, preset.model)(weights=preset.weights)
    network = replace(of_keras(model), name=name, preprocessing=preset.preprocessing)
    return network, _Facts(preset.classes, preset.colours)


def _probed(network: Network, facts: _Facts) -> Predictor:
    """Run the network once, on noise."""
    height, width = (size or _PROBE for size in network.size)
    channels = network.channels or 3
    noise = np.random.default_rng(20).random((height, width, channels), dtype="float32")
    try:
        network, noise, values = _answer(network, noise)
    except Exception as error:
        raise ValueError(
            f"{network.name!r} can't be run on {height}x{width} pixels: {first_line(error)}"
        ) from error
    height, width, channels = noise.shape
    scale = values.shape[0] // height if values.ndim == 3 else 0
    if not scale or values.shape[:2] != (height * scale, width * scale):
        raise ValueError(
            f"{network.name!r} gives {values.shape} for an image of {noise.shape}. Prediction is "
            "for models whose output is as large as their input, a whole number of times larger, "
            "or smaller by the same margin on every side (convolutions without padding)."
        )
    outputs = values.shape[2]
    enlarges = scale > 1 and outputs == channels and outputs in (1, 3)
    by_percentiles = "percentiles" in network.preprocessing
    return Predictor(
        network,
        outputs,
        scale,
        enlarges,
        logits=not enlarges and _are_logits(network.output, values),
        classes=facts.classes or network.class_names,
        colours=facts.colours,
        normalization="percentiles" if by_percentiles else "full_range",
    )


def _answer(network: Network, noise: np.ndarray) -> tuple[Network, np.ndarray, np.ndarray]:
    """The network with its margin, and its answer to the part of the noise that it is for."""
    values = error = None
    try:
        values = network.run(noise)
    except Exception as raised:  # it may take other sizes
        error = raised
    found = None
    if network.size == (None, None):
        if values is None or (values.ndim == 3 and values.shape[0] < noise.shape[0]):
            found = margin_of(network.run, noise.shape[2])
    elif values is not None:
        found = fixed_margin(network.run, noise, values)
    if found is not None:
        margin, values = found
        network = replace(network, margin=margin, stride=lambda: margin.period)
        return network, np.zeros((*values.shape[:2], noise.shape[2])), values
    if values is None:
        raise error or ValueError("no answer")
    return network, noise, values


def _are_logits(output: str, values: np.ndarray) -> bool:
    """By the output's name where it says so, else by whether a value leaves [0, 1]."""
    if "logits" in output:
        return True
    return not ("prob" in output or (values.min() >= 0 and values.max() <= 1 + 1e-6))
