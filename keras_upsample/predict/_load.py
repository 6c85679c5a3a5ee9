"""Load a `Predictor` from a preset, a file or a model."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .._keras_file import load_keras_file
from .._keras_first_read import SUFFIXES
from .._text import printable
from ..errors import ArtefactError, did_you_mean, first_line
from ..files._digest import digest_of
from ..metadata import TASKS, Metadata, attach, of, read
from ..metadata._scaling import UNIT, Scaling, scaling_named
from ..runtimes._forks import check_fork
from ..runtimes._load import is_artefact
from ..runtimes._onnx_memory import RunMemoryError, first_runs
from ._channels import order_of
from ._meaning import SCORES, Evidence, meaning_of
from ._networks import Network, of_keras, of_runner
from ._predictor import Predictor
from ._valid import fixed_margin, margin_of
from ._volumes import volume_of_noise
from ._whole import of_whole_pictures

_PROBE = 64
"""Pixels of the noise that an open network is tried on."""

_MOST_NOISE = 2**30
"""Bytes of it."""

_MOST_CHANNELS = 8192
"""Of a network that takes any size: the bytes of the noise say nothing of larger images."""

_ALLOWED = "a .keras, .h5, .tflite, .onnx or .xml file, or a SavedModel folder"


def load_model(
    source: Any,
    *,
    classes: Sequence[str] | None = None,
    normalization: Any = None,
    task: str | None = None,
    output: str | None = None,
    threshold: float | None = None,
    layout: str | None = None,
    stride: int | None = None,
    threads: int | None = None,
    trust: bool = False,
) -> Predictor:
    """Load a model for `predict`.

    The meaning of its values is taken from its metadata (`keras_upsample.metadata`), else from its
    graph: a rescaling of the input, a uint8 input, the last activation, an output called `logits`
    or `probabilities`. `Predictor.taken` lists facts that were read from the graph.
    `Predictor.assumed` lists facts that are unknown, with the assumption, and a warning says so.
    The model is run once, on noise, to find the size of its output.

    Args:
        source: a `keras.Model`, the name of a preset (`"unet:cells"`), a `.keras` or `.h5` file, a
            `.tflite`, `.onnx` or `.xml` (OpenVINO) file, a SavedModel folder, or a
            `keras_upsample.runtimes.Runner`.
        classes: names of the classes. Default: the metadata's, else none.
        normalization: how a picture's values become the network's. `"full_range"` (integers are
            divided by the largest value of their dtype, floats are not changed), `"percentiles"`
            (per channel, percentile 1 becomes 0 and 99.8 becomes 1), `"none"`, `"imagenet"`,
            `"minus_one_to_one"`, `"0_to_255"`, a pair `(mean, std)` per channel in units of [0, 1],
            or a `keras_upsample.metadata.Scaling`. Default: the model's, else `"full_range"`.
        task: the model's task, one of `keras_upsample.metadata.TASKS`, if the model does not say
            it.
        output: name of the output to use, for a model with several.
        threshold: probability from which a pixel is 1, for a single channel or several labels.
            Default: the metadata's, else 0.5.
        layout: layout of a file's tensors, `"nhwc"` or `"nchw"`, if their shapes are ambiguous.
        stride: the network's stride in pixels. Default: found in the graph of a Keras model, and a
            multiple of 32; 32 for files.
        threads: number of processor threads, for `.tflite`, `.onnx` and `.xml` files.
        trust: whether you know where a file comes from, so that Python code (Lambda layers) and
            operators that read and write files may run; see SECURITY.md.

    Raises:
        ArtefactError: there is no such preset or file, it can't be loaded, or it takes too much
            memory when it is tried and is not trusted.
        FetchError: the weights of a preset can't be downloaded.
        TypeError: `source` is none of these.
        ValueError: the model does not have one image as input and one image or map of scores as
            output; an argument does not fit it; or the meaning of its output is unknown.
        RuntimeError: the model is a Keras model, and Keras runs on another backend than TensorFlow.

    Example:
        >>> model = load_model("build/unet.onnx", classes=["background", "cell"])  # doctest: +SKIP
    """
    scaling = None if normalization is None else scaling_named(normalization)
    if task is not None and task not in TASKS:
        raise ValueError(
            f"`task` must be one of {', '.join(map(repr, TASKS))}. Received: {task!r}."
        )
    if isinstance(source, Predictor):
        if scaling is not None:
            _check_scaling(source.network, scaling)
        if (task, output, layout) != (None, None, None):
            raise ValueError("`task`, `output`, `layout`: the model is loaded already.")
        predictor = source
    else:
        with first_runs(limited=not trust) as runners:
            network = _network(source, output, layout, threads, trust)
            if scaling is not None:
                _check_scaling(network, scaling)
                network = replace(network, scaling=scaling, taken=(), assumed=())
            predictor = _probe(network, task)
        for runner in runners:
            runner.lift_limit()
        for line in predictor.assumed:
            warnings.warn(line, UserWarning, stacklevel=2)
    if scaling is not None:
        predictor = replace(predictor, scaling=scaling)
    if threshold is not None:
        if not predictor.has_threshold:
            raise ValueError(
                "`threshold` is for one channel of scores, or for labels that overlap. "
                f"{predictor.network.name!r} does {predictor.task.replace('_', ' ')}, and "
                f"{predictor.outputs} channel{'s' * (predictor.outputs != 1)} of its output "
                f"hold{'s' * (predictor.outputs == 1)} {predictor.kind.replace('_', ' ')}."
            )
        if isinstance(threshold, bool) or not 0 <= float(threshold) <= 1:
            raise ValueError(f"`threshold` must be from 0 to 1. Received: {threshold!r}.")
        predictor = replace(predictor, threshold=float(threshold))
    if classes is not None:
        if classes and not predictor.gives_labels:
            raise ValueError(
                f"`classes` are for {', '.join(SCORES)}. {predictor.network.name!r} does "
                f"{predictor.task.replace('_', ' ')}."
            )
        predictor = replace(predictor, classes=tuple(classes))
    count = predictor.class_count
    named = predictor.outputs if predictor.task == "multi_label_segmentation" else count
    if predictor.classes and predictor.kind != "class_map" and len(predictor.classes) != named:
        raise ValueError(
            f"`classes` must name the {named} classes of {predictor.network.name!r}. Received "
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


def _check_scaling(network: Network, scaling: Scaling) -> None:
    from ..export._known import check_normalization

    check_normalization(network.name, network.dtype, scaling, network.graph_range, network.because)


def _network(
    source: Any, output: str | None, layout: str | None, threads: int | None, trust: bool
) -> Network:
    path = Path(source) if isinstance(source, str | Path) else Path()
    of_file = is_artefact(path)
    if layout is not None and not of_file:
        named = str(source) if isinstance(source, str | Path) else type(source).__name__
        raise ValueError(
            "`layout` is for .tflite, .onnx and .xml files whose shapes leave it open. Received "
            f"{layout!r} for {named}."
        )
    if not of_file and not hasattr(source, "operator_counts"):
        check_fork()
    if not isinstance(source, str | Path):
        if hasattr(source, "operator_counts"):
            return of_runner(source, source.runtime, _metadata_at(source), output)
        import keras

        if not isinstance(source, keras.Model):
            raise TypeError(
                f"`model` must be a keras.Model or the name of a preset or file. Received: "
                f"{type(source).__name__}."
            )
        return of_keras(source, output)
    if not path.exists():
        return of_keras(_preset(str(source)), output)
    if path.suffix in SUFFIXES:
        return of_keras(load_keras_file(path, trust=trust), output)
    if not of_file:
        what = "a folder without saved_model.pb" if path.is_dir() else "a file of another kind"
        raise ArtefactError(f"`{printable(path)}` is {what}. Allowed: {_ALLOWED}.")
    from ..runtimes import load

    runner = load(path, threads=threads, layout=layout, trust=trust)
    network = of_runner(runner, path.name, _metadata_at(runner), output)
    digest = digest_of(path)  # of what was loaded: the file may be replaced
    return replace(network, identity=lambda: digest)


def _metadata_at(runner: Any) -> Metadata | None:
    path = getattr(runner, "path", None)
    return None if path is None else read(path)


def _preset(name: str) -> Any:
    from .. import zoo
    from ..zoo._pretrained import preset_metadata

    if name in zoo.PACKAGED:
        return zoo.load(name)
    if name not in zoo.PRESETS:
        hint = did_you_mean(name, (*zoo.PRESETS, *zoo.PACKAGED))
        raise ArtefactError(
            f"{name!r} is neither a preset ({', '.join(zoo.PRESETS)}, or one of "
            f"`keras-upsample list`) nor a file or folder that exists. Allowed files: {_ALLOWED}."
            f"{hint}"
        )
    preset = zoo.PRESETS[name]
    model = getattr(zoo, preset.model)(weights=preset.weights)
    return attach(model, preset_metadata(preset, of(model)))


def _probe(network: Network, task: str | None) -> Predictor:
    """Run the network once, on noise."""
    if network.volume:
        return _predictor(network, volume_of_noise(network), 1, network.channels or 1, task)
    height, width = (size or _PROBE for size in network.size)
    channels = network.channels or 3
    if channels > _MOST_CHANNELS and None in network.size:
        raise ArtefactError(
            f"{network.name!r} takes images of {channels:,} channels; a network that takes any "
            f"size may take {_MOST_CHANNELS:,} of them. Export it at the size that it is to have."
        )
    if (needed := 4 * height * width * channels) > _MOST_NOISE:
        raise ArtefactError(
            f"{network.name!r} takes images of {height}x{width} pixels and {channels} channels, "
            f"{needed / 2**30:.1f} GiB each; prediction is for images of at most 1 GiB."
        )
    noise = np.random.default_rng(20).random((height, width, channels), dtype="float32")
    scaling = network.scaling or UNIT
    if scaling.channels in (None, channels):
        factor, offset = (np.asarray(n, "float32") for n in (scaling.scale, scaling.offset))
        noise *= factor
        noise += offset
    try:
        network, noise, values = _answer(network, noise)
    except RunMemoryError:
        raise
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
    return _predictor(network, values, scale, channels, task)


def _predictor(
    network: Network, values: np.ndarray, scale: int, channels: int, task: str | None
) -> Predictor:
    """The `Predictor` by the network's output for noise and all other known facts."""
    output = network.output
    meaning = meaning_of(
        Evidence(
            network.name,
            output,
            task or network.task,
            network.activation,
            values,
            scale,
            channels,
            network.graph_known,
        )
    )
    order = order_of(network.channel_names)
    named = (
        (f"Channels of pictures are taken as {', '.join(network.channel_names)}, by the metadata.",)
        if order is not None
        else ()
    )
    if network.whole and not network.volume:
        network = of_whole_pictures(network, scale)
    value_range = output.value_range or ((-1.0, 1.0) if network.activation == "tanh" else None)
    return Predictor(
        network,
        values.shape[-1],
        scale,
        meaning.task,
        meaning.kind,
        classes=output.class_names,
        colours=output.colours,
        scaling=network.scaling or UNIT,
        threshold=_probability(output.threshold, meaning.kind),
        value_range=value_range or (0.0, 1.0),
        order=order,
        taken=(*network.taken, *named, *meaning.taken),
        assumed=(*network.assumed, *meaning.assumed),
    )


def _answer(network: Network, noise: np.ndarray) -> tuple[Network, np.ndarray, np.ndarray]:
    """The network with its margin, and its output for the part of the noise that it covers."""
    values = error = None
    try:
        values = network.run(noise)
    except RunMemoryError:
        raise  # larger sizes take more
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


def _probability(threshold: float | None, kind: str) -> float:
    """A threshold in the output's own values -> a probability."""
    if threshold is None:
        return 0.5
    return threshold if kind != "logits" else float(1 / (1 + np.exp(-threshold)))
